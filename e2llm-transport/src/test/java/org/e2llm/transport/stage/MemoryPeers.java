package org.e2llm.transport.stage;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.e2llm.DeviceLostException;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.LocalReplica;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.serving.HostLimits;
import org.e2llm.serving.ServingLoop;
import org.e2llm.serving.SessionRouter;
import org.e2llm.testing.FakeEngine;
import org.e2llm.testing.FakeStage;
import org.e2llm.testing.FakeTokenizer;

/**
 * Peers in one JVM with links between them that can be cut, frozen and killed. Each has a "net"
 * thread, which takes frames in order. What a cluster's plan runner does, {@link #tick} does here:
 * it sets a ring up again where devices are left.
 */
final class MemoryPeers implements AutoCloseable {
  static final int LAYERS = 6;
  static final int ROWS = 16;
  static final int CONTEXT = 2048;

  /** Sees every frame before it is delivered; may kill, cut and freeze. */
  interface Watcher {
    void frame(long number, String from, String to, byte type);
  }

  /** Sees every frame of the hot lane on the thread that sends it; may let others pass it. */
  interface Departures {
    void frame(String from, String to, byte type);
  }

  /** The connection between two peers, one after the other. */
  static final class Line {
    volatile boolean open = true;
    final AtomicLong frames = new AtomicLong();
    final AtomicLong batches = new AtomicLong();
    final AtomicLong kvBytes = new AtomicLong();
  }

  private final Map<String, MemoryPeer> peers = new LinkedHashMap<>();
  private final Map<String, Line> lines = new TreeMap<>();
  private final AtomicLong frames = new AtomicLong();

  /** Connections that peers ended because of what came over them, which never happens here. */
  private final Queue<String> dropped = new ConcurrentLinkedQueue<>();

  private final ScheduledExecutorService plans =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread made = new Thread(work, "test-plans");
            made.setDaemon(true);
            return made;
          });

  /** What happened to frames last. */
  final FrameLog log = new FrameLog();

  volatile Watcher watcher = (number, from, to, type) -> {};
  volatile Departures leaving = (from, to, type) -> {};
  volatile HiddenType hidden = HiddenType.F32;
  volatile long kvBytes = 64L << 20;

  /** What a plan lets stages cache, and what each device may keep of what came to its stages. */
  volatile long kvTokens = Long.MAX_VALUE;

  volatile long journalBytes = 1L << 20;

  /** Whether a host has the last stage of its ring too. */
  volatile boolean endsStay;

  /** What becomes of pieces of KV under way. */
  volatile UnaryOperator<byte[]> pieces = UnaryOperator.identity();

  volatile KvType kvWire = KvType.F32;
  volatile SessionRouter router;

  /** What {@link PromptPeers} let serve; not touched here. */
  final Set<String> promptHosts = ConcurrentHashMap.newKeySet();

  /** What peers keep for callers that may come back is kept by this clock. */
  final AtomicLong clock = new AtomicLong();

  /** Stages are late by the real clock, plus this. */
  final AtomicLong skipped = new AtomicLong();

  /** Devices for the next ring when one is lost, as many as are left; host first. */
  private volatile List<String> devices = List.of();

  private volatile boolean mends = true;

  /** Take the place of those that are lost, so that the others keep their layers. */
  private volatile List<String> spares = List.of();

  private volatile boolean keepsLayers;

  /** Whether a ring is set up only after all have noticed that the one before is over. */
  volatile boolean afterAll;

  /** Of the last ring. Belongs to the plans thread. */
  private List<StagePlan> layout = List.of();

  // Belonging to the plans thread.
  private volatile String host = "";
  private ServingLoop loop;
  private volatile RingReplica ring;
  private String makingOn = "";
  private int attempts;

  /** Counts layouts. */
  private int plan;

  private final List<ServingLoop> ending = new ArrayList<>();

  MemoryPeers(String... names) {
    for (String name : names) {
      for (String other : peers.keySet()) {
        lines.put(key(name, other), new Line());
      }
      peers.put(name, new MemoryPeer(name, this));
    }
    plans.scheduleWithFixedDelay(this::tick, 1, 1, TimeUnit.MILLISECONDS);
  }

  private static String key(String a, String b) {
    return a.compareTo(b) < 0 ? a + "-" + b : b + "-" + a;
  }

  MemoryPeer peer(String name) {
    return peers.get(name);
  }

  Collection<MemoryPeer> all() {
    return peers.values();
  }

  Line line(String a, String b) {
    synchronized (lines) {
      return lines.get(key(a, b));
    }
  }

  /** On the net thread of {@code to}. */
  void delivering(String from, String to, byte type, Line line) {
    line.frames.incrementAndGet();
    line.batches.addAndGet(type == StageFrames.BATCH ? 1 : 0);
    watcher.frame(frames.incrementAndGet(), from, to, type);
  }

  long now() {
    return System.nanoTime() + skipped.get();
  }

  // What happens to peers.

  /** The process is gone: nothing comes from it and nothing reaches it any more. */
  void kill(String name) {
    peer(name).dead = true;
    for (String other : peers.keySet()) {
      if (!other.equals(name)) {
        cut(name, other);
      }
    }
  }

  /** Soon, without another plan between the loss of one and that of another. */
  void killTogether(String... names) {
    plans.execute(
        () -> {
          for (String name : names) {
            kill(name);
          }
        });
  }

  void drop(String from, String peer, String reason) {
    dropped.add(from + " drops " + peer + ": " + reason);
    cut(from, peer);
  }

  void cut(String a, String b) {
    synchronized (lines) {
      Line line = lines.get(key(a, b));
      if (!line.open) {
        return;
      }
      line.open = false;
      log.event("cut", a, b);
    }
    peer(a).closed(b);
    peer(b).closed(a);
  }

  /** A new connection; what was under way in the one before is lost. */
  void join(String a, String b) {
    if (isLost(a) || isLost(b)) {
      return; // nobody answers who dials
    }
    synchronized (lines) {
      lines.put(key(a, b), new Line());
      log.event("joined", a, b);
    }
    peer(a).offerHosts();
    peer(b).offerHosts();
  }

  /** The connection ends and is there again before another plan is made without one of them. */
  void reconnect(String a, String b) {
    plans.execute(
        () -> {
          cut(a, b);
          join(a, b);
        });
  }

  /** The connection ends; a new one comes only after a while. */
  void part(String a, String b, int millis) {
    cut(a, b);
    plans.schedule(() -> join(a, b), millis, TimeUnit.MILLISECONDS);
  }

  /** A new connection takes the place of the old one; each end learns of that by itself. */
  void replace(String notices, String other) {
    synchronized (lines) {
      if (!line(notices, other).open) {
        return; // there is nothing to replace
      }
      line(notices, other).open = false;
      log.event("replaced", notices, other);
    }
    // Nobody hears of the new one before the end of the old one.
    peer(notices).closed(other);
    peer(other).closed(notices);
    join(notices, other);
  }

  /** Nothing leaves it and nothing is taken in until it thaws. */
  void freeze(String name) {
    peer(name).freeze();
  }

  /** The others have waited long enough for a frozen one. */
  void giveUp(String name) {
    for (String other : peers.keySet()) {
      if (!other.equals(name)) {
        cut(name, other);
      }
    }
  }

  /**
   * The time by which stages are late passes quickly until something has come about; but no quicker
   * than questions are answered, or who answers would be late.
   */
  void hurry(BooleanSupplier until) {
    eventually(
        () -> "what time was to bring: " + state(),
        () -> {
          peers.values().forEach(MemoryPeer::quiet);
          peers.values().forEach(MemoryPeer::quiet);
          skipped.addAndGet(TimeUnit.MILLISECONDS.toNanos(100));
          return until.getAsBoolean();
        });
  }

  /** Devices at which rings broke because they were late. */
  Set<String> late() {
    Set<String> all = new TreeSet<>();
    peers.values().forEach(peer -> all.addAll(peer.stages.late()));
    return all;
  }

  // Plans.

  /** Sets a ring up over these devices, the host first, and waits for it. */
  void serve(String... names) {
    devices = List.of(names);
    eventually("a ring over " + devices, () -> call(() -> loop != null || devices.isEmpty()));
  }

  /**
   * From now on devices that are left keep their layers, as when a plan is patched: a spare one
   * takes those of a lost one, or a neighbour where no spare one is left.
   */
  void keepLayers(String... spareDevices) {
    spares = List.of(spareDevices);
    keepsLayers = true;
  }

  /** From now on a ring that broke stays so; callers are told that nothing is left. */
  void neverMend() {
    mends = false;
  }

  /** Whether callers were told that no device is left. */
  boolean nothingIsLeft() {
    return devices.isEmpty();
  }

  private boolean call(BooleanSupplier question) {
    try {
      return plans.submit(question::getAsBoolean).get(30, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private void tick() {
    try {
      for (MemoryPeer peer : peers.values()) {
        if (isLost(peer.name())) {
          continue;
        }
        peer.stages.tick();
        peer.kv.tick();
        if (!peer.name().equals(host) && !promptHosts.contains(peer.name())) {
          peer.client.hosted().serveOn(null);
          peer.kv.serveOn(null);
        }
      }
      if (loop != null && (isLost(host) || (ring != null && ring.isBroken()))) {
        if (!isLost(host)) {
          peer(host).client.hosted().serveOn(null);
        }
        ending.add(loop);
        loop = null;
        ring = null;
      }
      ending.removeIf(
          old -> {
            boolean idle = old.stats().activeSessions() == 0 && old.stats().queued() == 0;
            if (idle) {
              old.close();
            }
            return idle;
          });
      boolean ended = !afterAll || peers.values().stream().allMatch(this::hasNoStage);
      boolean making = !makingOn.isEmpty() && !isLost(makingOn) && !hangs();
      if (loop == null && ended && !making && !devices.isEmpty()) {
        make();
      }
    } catch (RuntimeException | Error e) {
      e.printStackTrace();
    }
  }

  /** Whether a device of the last layout does: then another one is planned. */
  private boolean hangs() {
    return layout.stream().anyMatch(stage -> peer(stage.device()).stages.isStuck());
  }

  private boolean hasNoStage(MemoryPeer peer) {
    return isLost(peer.name()) || peer.stages.rings().isEmpty();
  }

  boolean isLost(String name) {
    return peer(name).dead || peer(name).frozen();
  }

  private void make() {
    List<String> left = new ArrayList<>();
    List<String> all = new ArrayList<>(devices);
    all.addAll(spares);
    for (String device : all) {
      boolean whole = !isLost(device) && !peer(device).stages.isStuck();
      for (String other : left) {
        whole &= line(device, other).open;
      }
      if (whole) {
        left.add(device);
      }
    }
    if (left.isEmpty() || !mends) {
      devices = List.of();
      for (MemoryPeer peer : peers.values()) {
        peer.hosts(List.of());
        peer.callers.impossible(
            () -> new DeviceLostException("no copy of layers 0-" + (LAYERS - 1)));
      }
      return;
    }
    List<StagePlan> stages = keepsLayers ? patched(left) : List.of();
    stages = stages.isEmpty() ? cut(left) : stages;
    plan += stages.equals(layout) ? 0 : 1;
    layout = stages;
    int attempt = ++attempts;
    String onHost = layout.get(0).device();
    MemoryPeer first = peer(onHost);
    makingOn = onHost;
    if (layout.size() == 1) {
      FakeStage whole = first.stage(LayerRange.of(0, LAYERS));
      made(attempt, new LocalReplica(whole, FakeTokenizer.VOCABULARY, first.client));
      return;
    }
    first
        .stages
        .replica(ring(layout), first.client)
        .whenComplete((done, error) -> plans.execute(() -> made(attempt, done)));
  }

  /** Evenly over those that are no spare ones. */
  private List<StagePlan> cut(List<String> left) {
    List<String> chain = new ArrayList<>(left);
    chain.removeAll(spares);
    if (chain.isEmpty()) {
      chain.addAll(left);
    }
    if (endsStay && chain.size() > 1) {
      chain.add(chain.get(0));
    }
    List<StagePlan> stages = new ArrayList<>();
    for (int i = 0; i < chain.size(); i++) {
      int from = LAYERS * i / chain.size();
      int to = LAYERS * (i + 1) / chain.size();
      stages.add(new StagePlan(chain.get(i), LayerRange.of(from, to)));
    }
    return stages;
  }

  /** The last layout with others in the place of those that are lost; empty if that is no ring. */
  private List<StagePlan> patched(List<String> left) {
    List<String> free = new ArrayList<>(left);
    layout.forEach(stage -> free.remove(stage.device()));
    List<StagePlan> stages = new ArrayList<>();
    int lostFrom = 0;
    for (StagePlan stage : layout) {
      if (!left.contains(stage.device()) && !free.isEmpty()) {
        stages.add(new StagePlan(free.remove(0), LayerRange.of(lostFrom, stage.layers().to())));
        lostFrom = stage.layers().to();
      } else if (left.contains(stage.device())) {
        // What is lost before it is its own, if nobody else has taken it.
        stages.add(new StagePlan(stage.device(), LayerRange.of(lostFrom, stage.layers().to())));
        lostFrom = stage.layers().to();
      }
    }
    if (!stages.isEmpty() && lostFrom < LAYERS) {
      StagePlan last = stages.remove(stages.size() - 1);
      stages.add(new StagePlan(last.device(), LayerRange.of(last.layers().from(), LAYERS)));
    }
    return stages;
  }

  private Ring ring(List<StagePlan> stages) {
    PlanOrder order = new PlanOrder(plan, "", "");
    return new Ring(ThreadLocalRandom.current().nextLong(), order, stages, hidden);
  }

  private void made(int attempt, org.e2llm.pipeline.Replica replica) {
    if (attempt != attempts) { // its host was lost in the middle, a device hung, or all is over
      if (replica != null) {
        replica.close();
      }
      return;
    }
    String onHost = makingOn;
    makingOn = "";
    if (replica == null) {
      return;
    }
    MemoryPeer first = peer(onHost);
    host = onHost;
    ring = replica instanceof RingReplica whole ? whole : null;
    loop =
        new ServingLoop(
            replica,
            FakeEngine.spec(CONTEXT),
            new FakeTokenizer(),
            new HostLimits(kvBytes, LAYERS * FakeStage.BYTES_PER_POSITION, CONTEXT, 1000, Slo.NONE),
            () -> {});
    List<StagePlan> stages =
        ring != null
            ? ring.ring().stages()
            : List.of(new StagePlan(onHost, LayerRange.of(0, LAYERS)));
    KvReplica moves = new KvReplica(first.kv, stages, kvWire, replica, loop);
    first.client.hosted().serveOn(loop, moves);
    first.kv.serveOn(moves);
    for (MemoryPeer peer : peers.values()) {
      peer.hosts(List.of(onHost));
    }
  }

  /** Steps that are under way in the ring. */
  int pending() {
    RingReplica now = ring;
    return now == null ? 0 : now.pending();
  }

  // Afterwards.

  /** Waits until nobody who is left holds anything for a session; callers had time to come back. */
  void settle() {
    // A device that thawed may learn only now that callers are gone, and waits for them from then
    // on.
    eventually(
        () -> "sessions are left: " + leftovers(),
        () -> {
          pass(HostedSessions.GRACE_SECONDS);
          return call(() -> leftovers().isEmpty());
        });
  }

  /** Time passes. */
  void pass(int seconds) {
    clock.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
  }

  private List<String> leftovers() {
    peers.values().forEach(peer -> peer.client.hosted().tick());
    List<String> left = new ArrayList<>(dropped);
    for (MemoryPeer peer : peers.values()) {
      if (!peer.dead && peer.openSessions() > 0) {
        left.add(peer.name() + " holds " + peer.openSessions() + " sessions");
      }
      if (!peer.dead && peer.kv.size() > 0) {
        left.add(peer.name() + " moves " + peer.kv.size() + " KV caches");
      }
      for (long id : peer.stages.rings()) {
        boolean other = promptHosts.contains(peer.name()); // whose ring is another one
        if (!peer.dead && !other && (ring == null || ring.ring().id() != id)) {
          left.add(peer.name() + " has a stage of a ring that is over");
        }
      }
      if (!peer.dead && peer.stages.journalBytes() > 0) {
        left.add(peer.name() + " has journals of " + peer.stages.journalBytes() + " bytes");
      }
      if (!peer.dead && peer.client.hosted().size() > 0) {
        left.add(peer.name() + " hosts " + peer.client.hosted().size());
      }
    }
    if (loop != null && loop.stats().kvReservedBytes() > 0) {
      left.add(loop.stats().toString());
    }
    if (ring != null && ring.pending() > 0) {
      left.add(ring.pending() + " steps are pending");
    }
    return left;
  }

  /** For messages. */
  String state() {
    StringBuilder text = new StringBuilder();
    text.append("host ")
        .append(host)
        .append(", loop ")
        .append(loop == null ? "none" : loop.stats());
    text.append(", ").append(ring).append(ring != null && ring.isBroken() ? " broken" : "");
    text.append(", making on '").append(makingOn).append("', ").append(leftovers());
    for (MemoryPeer peer : peers.values()) {
      text.append("; ")
          .append(peer.name())
          .append(peer.dead ? " dead" : peer.frozen() ? " frozen" : "");
      text.append(' ').append(peer.callers.stats());
    }
    return text.toString();
  }

  static void eventually(String what, BooleanSupplier condition) {
    eventually(() -> what, condition);
  }

  static void eventually(java.util.function.Supplier<String> what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("never happened: " + what.get());
      }
      java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
    }
  }

  /** A device hangs until the test lets it go on. */
  static void hangUntil(CountDownLatch end) {
    try {
      end.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    devices = List.of();
    peers.values().forEach(peer -> peer.callers.close());
    call(
        () -> {
          attempts++; // what is still being made comes too late
          if (loop != null) {
            loop.close();
          }
          ending.forEach(ServingLoop::close);
          return true;
        });
    plans.shutdown();
    peers.values().forEach(MemoryPeer::close);
  }
}

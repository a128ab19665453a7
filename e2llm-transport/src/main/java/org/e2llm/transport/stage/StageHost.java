package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Stage;
import org.e2llm.pipeline.TokenSink;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * The stages that this device hosts in rings of its own and of others. Frames are handed to one
 * daemon thread, {@value #THREAD_NAME}, which computes; what waits for it is bounded.
 */
public final class StageHost implements AutoCloseable {
  static final String THREAD_NAME = "e2llm-stage";

  private static final Logger LOG = Logger.getLogger(StageHost.class.getName());

  /** Payloads that may wait for the thread: more than any ring that keeps to its depth sends. */
  private static final long MOST_WAITING_BYTES = 512L << 20;

  /**
   * Who computes so long for a ring that is over hangs, unless batches are known to take long: then
   * {@link #STUCK_TIMES} times the slowest.
   */
  private static final long STUCK = TimeUnit.SECONDS.toNanos(15);

  private static final int STUCK_TIMES = 4;

  /** Makes one with a gate that needs it. */
  @FunctionalInterface
  public interface Factory {
    StageHost make(RingGate gate);
  }

  private final Links links;
  private final StageSource source;
  private final RingGate gate;
  private final KvExchange kv;
  private final Payloads payloads = new Payloads();
  private final ThreadPoolExecutor thread;
  private final AtomicLong waitingBytes = new AtomicLong();
  private final LongSupplier clock;
  private final KeptStages kept;
  private final JournalMemory journals = new JournalMemory();
  private final OwnRings own;

  /** Since when words that rings are over wait for the thread, the oldest first. */
  private final Queue<Long> closings = new ConcurrentLinkedQueue<>();

  // Changed by the thread.
  private final Map<Long, HostedStage> stages = new ConcurrentHashMap<>();

  /** Nanoseconds that a batch took here at most. */
  private volatile long slowest;

  // Belonging to the thread.
  private final FieldReader reader = new FieldReader(ByteBuffer.allocate(0));

  public StageHost(Links links, StageSource source, RingGate gate, KvExchange kv) {
    this(
        links,
        source,
        gate,
        kv,
        new KeptStages(System::nanoTime, links::reaches),
        System::nanoTime);
  }

  /**
   * As above.
   *
   * @param kept where rings leave their stages
   * @param clock by which stages are late
   */
  StageHost(
      Links links,
      StageSource source,
      RingGate gate,
      KvExchange kv,
      KeptStages kept,
      LongSupplier clock) {
    this.kv = kv;
    this.kept = kept;
    this.clock = clock;
    this.links = new LoopLinks(links, this::received);
    this.source = source;
    this.gate = gate;
    this.thread =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            work -> {
              Thread started = new Thread(work, THREAD_NAME);
              started.setDaemon(true);
              return started;
            });
    this.own = new OwnRings(this.links, source, gate, kept, this::run, clock);
  }

  /**
   * Sets a ring up whose first stage is here. If one that began here is broken, the new one goes on
   * with what it leaves.
   *
   * @param sink takes what is sampled for callers on this device
   * @return completes once all its stages are ready, fails with {@link
   *     org.e2llm.StageLostException} if one is not
   */
  public CompletableFuture<RingReplica> replica(Ring ring, TokenSink sink) {
    return own.make(ring, sink);
  }

  /** Breaks the rings that begin here, because this device leaves: others go on with the rest. */
  public void leave() {
    own.breakAll("the device leaves");
  }

  /**
   * Breaks rings of this device in which a stage is late, and frees what rings have left and nobody
   * took over; to be called several times a second, from any thread but {@value #THREAD_NAME}.
   */
  public void tick() {
    own.tick();
    kept.tick();
    for (HostedStage stage : stages.values()) {
      if (stage.keeps()) {
        run(stage::expire);
      }
    }
  }

  /** Rings of others that have a stage here. */
  Set<Long> rings() {
    return Set.copyOf(stages.keySet());
  }

  /** Devices at which rings of this device broke because they were late. */
  Set<String> late() {
    return own.late();
  }

  /**
   * Whether this device still computes for a ring that was given up, and has for some time: its
   * heartbeats go on, but it can serve no stage.
   */
  public boolean isStuck() {
    long allowed = slowest;
    for (HostedStage stage : stages.values()) {
      allowed = Math.max(allowed, stage.slowest());
    }
    allowed = Math.max(STUCK, STUCK_TIMES * allowed);
    Long oldest = closings.peek();
    if (oldest != null && clock.getAsLong() - oldest >= allowed) {
      return true;
    }
    return own.isStuck(allowed);
  }

  /** Whether frames of this type are for this. */
  public static boolean takes(byte type) {
    return (type >= StageFrames.RING_OPEN && type <= StageFrames.STEP_FAILED)
        || type == KvFrames.KV_EXPECT
        || type == KvFrames.KV_PUSH;
  }

  /** A frame came; on the net thread. */
  public void received(String peer, byte type, ByteBuffer payload) {
    if (type == StageFrames.RING_READY && answers(peer, new FieldReader(payload.duplicate()))) {
      return;
    }
    if (ofStep(type) && endedAtOnce(peer, type, new FieldReader(payload.duplicate()))) {
      return;
    }
    boolean closing = type == StageFrames.RING_CLOSE;
    if (closing) {
      abandon(peer, new FieldReader(payload.duplicate()));
    }
    int bytes = payload.remaining();
    if (waitingBytes.addAndGet(bytes) > MOST_WAITING_BYTES) {
      waitingBytes.addAndGet(-bytes);
      throw new ProtocolException("more batches than this device can take in");
    }
    ByteBuffer copy = payloads.copy(payload);
    if (closing) {
      closings.add(clock.getAsLong());
    }
    run(
        () -> {
          try {
            handle(peer, type, copy);
          } catch (E2llmException e) { // what it sent is nothing that a peer may send
            links.drop(peer, String.valueOf(e.getMessage()));
          } finally {
            waitingBytes.addAndGet(-bytes);
            payloads.give(copy);
            if (closing) {
              closings.remove();
            }
          }
        });
  }

  /** Batches of a ring that is over need not be computed before it is closed. */
  private void abandon(String peer, FieldReader in) {
    HostedStage stage = stages.get(in.i64("ring"));
    if (stage != null && stage.ring().host().equals(peer)) {
      stage.abandon();
    }
  }

  /**
   * A host asks how far the stage here is, at once because the thread may be what is late. It asks
   * only when all stages are there.
   */
  private boolean answers(String peer, FieldReader in) {
    long ring = in.i64("ring");
    HostedStage stage = stages.get(ring);
    boolean asks = in.remaining() == 0;
    if (!asks || stage == null || !stage.ring().host().equals(peer)) {
      return false;
    }
    FieldWriter out = new FieldWriter(16).i64(ring).i32(stage.passed()).count(0);
    links.send(peer, StageFrames.RING_READY, SamplingCodec.copy(out), null);
    if (stage.keeps()) {
      run(stage::whole);
    }
    return true;
  }

  /**
   * The end of a step of a ring that begins here: its next one waits for nothing else, and the
   * thread may be computing for another ring.
   */
  private boolean endedAtOnce(String peer, byte type, FieldReader in) {
    RingReplica replica = own.get(in.i64("ring"));
    if (replica == null || peer.equals(links.self()) || !replica.endsStepsAtOnce()) {
      return false;
    }
    answered(replica, peer, type, in);
    return true;
  }

  private static boolean ofStep(byte type) {
    return type == StageFrames.RESULTS || type == StageFrames.STEP_FAILED;
  }

  private void handle(String peer, byte type, ByteBuffer payload) {
    FieldReader in = reader.over(payload.duplicate());
    if (type == StageFrames.RING_OPEN) {
      open(peer, Ring.read(in));
      return;
    }
    long ring = in.i64("ring");
    RingReplica replica = own.get(ring);
    HostedStage stage = stages.get(ring);
    if (replica != null && isForFirst(replica.ring(), peer, type)) {
      answered(replica, peer, type, in);
    } else if (stage == null || isForFirst(stage.ring(), peer, type)) {
      unknown(ring, peer, type, in.remaining() > 0);
    } else if (type == StageFrames.RING_CLOSE && stage.ring().host().equals(peer)) {
      close(stage);
    } else if (type == StageFrames.RING_BROKEN && peer.equals(stage.next())) {
      fail(stage, in.string("ring.why"));
    } else if (stage.before().equals(peer)) {
      try {
        stage.received(type, payload, in);
      } catch (ProtocolException e) {
        giveUp(stage, String.valueOf(e.getMessage()));
        throw e;
      } catch (RuntimeException | OutOfMemoryError e) {
        // Such as no memory for a session: the host starts it again, in another ring.
        giveUp(stage, String.valueOf(e.getMessage()));
      }
    } else {
      throw new ProtocolException("a frame of a ring in which it is no neighbour");
    }
  }

  /** Where the host has the last stage of the ring too, most frames are for that one. */
  private boolean isForFirst(Ring ring, String peer, byte type) {
    return ring.host().equals(links.self())
        && (!ring.keepsEnds()
            || type == StageFrames.RING_READY
            || type == StageFrames.RING_BROKEN
            || type == StageFrames.RESULTS
            || (type == StageFrames.STEP_FAILED && peer.equals(links.self())));
  }

  /** Frames of a ring that is over. Who still sends into it has not heard, and is told. */
  private void unknown(long ring, String peer, byte type, boolean more) {
    LOG.log(Level.FINE, "a frame of a ring that is not here, from {0}", peer);
    boolean ready = type == StageFrames.RING_READY;
    if (ready && more) {
      closeLate(ring, peer);
    } else if (ready || type == StageFrames.BATCH || type == StageFrames.SESSION_OPEN) {
      FieldWriter out = new FieldWriter(128).i64(ring);
      out.string("device " + links.self() + " is no part of the ring any more");
      links.send(peer, StageFrames.RING_BROKEN, SamplingCodec.copy(out), null);
    }
  }

  /**
   * A ring may break, and say so, while it is still being sent out: a stage that is set up after
   * that hears of the end when it says that it is there.
   */
  private void closeLate(long ring, String peer) {
    FieldWriter out = new FieldWriter(8).i64(ring);
    links.send(peer, StageFrames.RING_CLOSE, SamplingCodec.copy(out), null);
  }

  /** What is in order may go on in the next ring. */
  private void fail(HostedStage stage, String why) {
    refuse(stage.ring(), why);
    close(stage);
  }

  /** It cannot be said what is in order. */
  private void giveUp(HostedStage stage, String why) {
    refuse(stage.ring(), why);
    end(stage);
    stage.close();
  }

  private void answered(RingReplica replica, String peer, byte type, FieldReader in) {
    if (!replica.ring().has(peer) || (ofStep(type) && !replica.ring().last().equals(peer))) {
      throw new ProtocolException("an answer that is another device's to give");
    }
    if (replica.isBroken()) {
      if (type == StageFrames.RING_READY) {
        closeLate(replica.ring().id(), peer);
      }
      return;
    }
    try {
      take(replica, peer, type, in);
    } catch (RuntimeException e) { // its steps would never end
      replica.broken(String.valueOf(e.getMessage()));
      throw e;
    }
  }

  private static void take(RingReplica replica, String peer, byte type, FieldReader in) {
    switch (type) {
      case StageFrames.RING_READY:
        int passed = in.i32("ring.passed", 0, Integer.MAX_VALUE);
        replica.stands(peer, passed, KeptSession.Report.read(in));
        break;
      case StageFrames.RING_BROKEN:
        replica.broken(in.string("ring.why"));
        break;
      case StageFrames.RESULTS:
        replica.results(in);
        break;
      case StageFrames.STEP_FAILED:
        replica.failed(in);
        break;
      default:
        throw new ProtocolException("a frame for a later stage, sent to the first one");
    }
  }

  private void open(String peer, Ring ring) {
    String why = refusal(ring, peer);
    if (why == null) {
      try {
        endReplaced(ring.replaces(), ring.host());
        HostedStage stage = stage(ring);
        stages.put(ring.id(), stage);
        if (!stage.opened()) {
          fail(stage, "it does not reach all of " + ring.stages());
        }
        return;
      } catch (RuntimeException | OutOfMemoryError e) {
        why = String.valueOf(e.getMessage());
      }
    }
    refuse(ring, why);
  }

  /** One of its devices sets up another ring instead; that this one is over may be heard later. */
  private void endReplaced(long replaced, String host) {
    HostedStage old = stages.get(replaced);
    if (old != null && old.ring().has(host)) {
      close(old);
    }
  }

  private HostedStage stage(Ring ring) {
    LayerRange layers = ring.stages().get(ring.index(links.self())).layers();
    journals.limit(gate.room(ring).journalBytes());
    KvStage moves = kv.stage(ring, layers, this::run);
    KeptStages.Left left = kept.take(ring, links.self(), layers);
    Stage before = left == null ? null : left.stage();
    Stage stage = before;
    try {
      if (stage == null) {
        stage = source.stage(layers);
      }
      return new HostedStage(ring, stage, source, links, payloads, journals, kept, left, moves);
    } catch (RuntimeException | OutOfMemoryError e) {
      if (before == null && stage != null) {
        stage.close();
      }
      if (left != null) {
        left.close();
      }
      throw e;
    }
  }

  private @Nullable String refusal(Ring ring, String peer) {
    if (ring.index(links.self()) < 1 || !ring.host().equals(peer)) {
      return "the ring does not lead from " + peer + " to " + links.self();
    }
    RingReplica here = own.get(ring.id());
    if (stages.containsKey(ring.id()) || (here != null && !here.ring().equals(ring))) {
      return "the ring's id is in use";
    }
    if (!links.reaches(ring.host())) {
      // Its loss was noticed already, so nobody would close the stage.
      return "its host is not connected";
    }
    return gate.refusal(ring);
  }

  private void refuse(Ring ring, String why) {
    FieldWriter out = new FieldWriter(256).i64(ring.id());
    out.string(ResultsCodec.shortened("device " + links.self() + ": " + why));
    links.send(ring.host(), StageFrames.RING_BROKEN, SamplingCodec.copy(out), null);
  }

  /** A peer cannot be reached any more: rings that it is part of are over. */
  public void lost(String peer) {
    kept.lost(peer);
    own.lost(peer); // at once: the thread may be what hangs
    run(
        () -> {
          for (HostedStage stage : List.copyOf(stages.values())) {
            if (stage.ring().has(peer)) {
              if (stage.ring().host().equals(peer)) {
                own.lostHostOf(stage.ring().id());
              }
              // The host too may be there again already, and not know that frames were lost.
              refuse(stage.ring(), "the connection to device " + peer + " was lost");
              close(stage);
            }
          }
        });
  }

  /** What may go on in the next ring is kept for that. */
  private void close(HostedStage stage) {
    end(stage);
    kept.add(stage.leave());
  }

  private void end(HostedStage stage) {
    slowest = Math.max(slowest, stage.slowest());
    stages.remove(stage.ring().id(), stage);
  }

  /** Batches computed so far by stages here that are not first ones, in rings that are open. */
  public CompletableFuture<Long> batches() {
    CompletableFuture<Long> count = new CompletableFuture<>();
    run(
        () -> {
          long sum = 0;
          for (HostedStage stage : stages.values()) {
            sum += stage.batches();
          }
          count.complete(sum);
        });
    return count;
  }

  /** Sessions that wait for the next ring. */
  int keptSessions() {
    return kept.size();
  }

  /** Bytes that journals take. */
  long journalBytes() {
    return journals.used();
  }

  private void run(Runnable work) {
    try {
      thread.execute(
          () -> {
            try {
              work.run();
            } catch (RuntimeException | Error e) { // a defect of ours: other rings go on
              LOG.log(Level.SEVERE, "a stage failed", e);
            }
          });
    } catch (RejectedExecutionException e) {
      LOG.log(Level.FINE, "the stage host is closed");
    }
  }

  /** Closes all stages and waits for the thread. */
  @Override
  public void close() {
    run(
        () -> {
          List.copyOf(stages.values()).forEach(this::close);
          own.breakAll("the device has left");
        });
    thread.shutdown();
    kept.close();
    try {
      if (!thread.awaitTermination(10, TimeUnit.SECONDS)) {
        LOG.log(Level.WARNING, "a stage still computes 10 s after it was told to close");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

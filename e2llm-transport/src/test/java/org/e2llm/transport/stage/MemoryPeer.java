package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.serving.CallerSessions;
import org.e2llm.testing.FakeEngine;
import org.e2llm.testing.FakeStage;
import org.e2llm.testing.FakeTokenizer;
import org.jspecify.annotations.Nullable;

/** One of {@link MemoryPeers}: what a device has of sessions and stages, over links in memory. */
final class MemoryPeer implements Links, StageSource {
  private final String name;
  private final MemoryPeers network;
  private final ExecutorService net;

  /** Takes frames of lane BULK, which have no order among those of the other lane. */
  private final ExecutorService bulk;

  private final List<FakeStage> made = new CopyOnWriteArrayList<>();
  final AtomicInteger batches = new AtomicInteger();
  final AtomicInteger rows = new AtomicInteger();
  final KvExchange kv;
  final StageHost stages;
  final SessionClient client;
  final CallerSessions callers;
  volatile boolean dead;

  /** Called with every batch that a stage computes here; may block. */
  volatile Consumer<Batch> computing = batch -> {};

  /** Called when a stage is loaded here; may block. */
  volatile Runnable loading = () -> {};

  private volatile List<String> hosts = List.of();

  /** See {@link #quiet}. */
  private CompletableFuture<Long> stageTakes = CompletableFuture.completedFuture(0L);

  // Guarded by this.
  private boolean frozen;
  private final List<Runnable> held = new ArrayList<>();

  MemoryPeer(String name, MemoryPeers network) {
    this.name = name;
    this.network = network;
    this.net = thread("net-" + name);
    this.bulk = thread("net-bulk-" + name);
    // What says that a hand-off failed may be lost too: then only time ends it.
    kv = new KvExchange(this, this::sendBulk, this, () -> System.nanoTime() + network.clock.get());
    KeptStages kept = new KeptStages(() -> System.nanoTime() + network.clock.get(), this::reaches);
    stages = new StageHost(this, this, new Gate(), kv, kept, network::now);
    client = new SessionClient(this, FakeTokenizer.VOCABULARY, network.clock::get);
    callers =
        new CallerSessions(
            client,
            FakeEngine.spec(MemoryPeers.CONTEXT),
            new FakeTokenizer(),
            () -> client.hosted().service(),
            0);
    client.deliverTo(callers);
  }

  /** Takes every ring, as a plan would that all of them are of. */
  private final class Gate implements RingGate {
    @Override
    public @Nullable String refusal(Ring ring) {
      return null;
    }

    @Override
    public Room room(Ring ring) {
      return new Room(network.kvTokens, network.journalBytes);
    }
  }

  private static ExecutorService thread(String name) {
    return Executors.newSingleThreadExecutor(
        work -> {
          Thread thread = new Thread(work, name);
          thread.setDaemon(true);
          return thread;
        });
  }

  String name() {
    return name;
  }

  // Links.

  @Override
  public String self() {
    return name;
  }

  @Override
  public boolean reaches(String peer) {
    MemoryPeers.Line line = peer.equals(name) ? null : network.line(name, peer);
    return line != null && line.open && !dead;
  }

  @Override
  public boolean send(String peer, byte type, ByteBuffer payload, @Nullable Runnable released) {
    MemoryPeer target = network.peer(peer);
    MemoryPeers.Line line = target == null || target == this ? null : network.line(name, peer);
    byte[] copy = new byte[payload.remaining()];
    payload.duplicate().get(copy);
    if (line == null || !line.open || dead) {
      network.log.add("refused", name, peer, type, copy);
      return false;
    }
    network.leaving.frame(name, peer, type);
    network.log.add("sent", name, peer, type, copy);
    leave(() -> target.arrive(name, type, copy, line, target.net));
    if (released != null) {
      onNet(released);
    }
    return true;
  }

  private boolean sendBulk(
      String peer, byte type, ByteBuffer payload, @Nullable Runnable released) {
    MemoryPeer target = network.peer(peer);
    MemoryPeers.Line line = target == null || target == this ? null : network.line(name, peer);
    if (line == null || !line.open || dead) {
      return false;
    }
    byte[] copy = new byte[payload.remaining()];
    payload.duplicate().get(copy);
    line.kvBytes.addAndGet(copy.length);
    byte[] sent = network.pieces.apply(copy);
    leave(() -> target.arrive(name, type, sent, line, target.bulk));
    if (released != null) {
      on(bulk, released);
    }
    return true;
  }

  @Override
  public void drop(String peer, String reason) {
    network.drop(name, peer, reason);
  }

  /** Frames of a frozen peer stay with it. */
  private void leave(Runnable frame) {
    synchronized (this) {
      if (frozen) {
        held.add(frame);
        return;
      }
    }
    frame.run();
  }

  private void arrive(
      String from, byte type, byte[] payload, MemoryPeers.Line line, ExecutorService lane) {
    on(
        lane,
        () -> {
          if (line.open && !dead) {
            network.delivering(from, name, type, line);
          }
          if (!line.open || dead) {
            network.log.add("lost", from, name, type, payload);
            return;
          }
          network.log.add("taken", from, name, type, payload);
          ByteBuffer lent = ByteBuffer.wrap(payload);
          try {
            if (lane == bulk) {
              kv.receivedBulk(from, type, lent);
            } else if (StageHost.takes(type)) {
              stages.received(from, type, lent);
            } else if (KvExchange.takes(type)) {
              kv.received(from, type, lent);
            } else {
              client.received(from, type, lent);
            }
          } catch (ProtocolException e) {
            drop(from, String.valueOf(e.getMessage()));
          }
          ((Buffer) lent).clear();
        });
  }

  /** The connection to {@code peer} has ended. */
  void closed(String peer) {
    onNet(
        () -> {
          if (!dead) {
            network.log.event("learns that it ended", name, peer);
            stages.lost(peer);
            kv.gone(peer);
            client.hosted().lost(peer);
            callers.lost(peer);
            offerHosts();
          }
        });
  }

  private void onNet(Runnable event) {
    on(net, event);
  }

  private synchronized void on(ExecutorService lane, Runnable event) {
    if (frozen) {
      held.add(() -> on(lane, event));
      return;
    }
    try {
      lane.execute(event);
    } catch (RejectedExecutionException e) {
      // The test is over.
    }
  }

  /**
   * Waits until what has arrived so far is taken in, unless it is frozen; what a stage that hangs
   * has to take in is not waited for again.
   */
  void quiet() {
    if (dead || frozen()) {
      return;
    }
    CountDownLatch taken = new CountDownLatch(1);
    onNet(taken::countDown);
    try {
      boolean quiet = taken.await(10, TimeUnit.SECONDS) || frozen();
      assertThat(quiet).as("the net thread of %s goes on", name).isTrue();
      if (stageTakes.isDone()) {
        stageTakes = stages.batches();
        stageTakes.get(500, TimeUnit.MILLISECONDS);
      }
    } catch (TimeoutException e) {
      // It hangs, as the test wants.
    } catch (InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  void hosts(List<String> firstStages) {
    hosts = firstStages;
    offerHosts();
  }

  /** Those that can be reached from here. */
  synchronized void offerHosts() {
    List<String> there = new ArrayList<>();
    for (String host : hosts) {
      if (host.equals(name) || network.line(name, host).open) {
        there.add(host);
      }
    }
    callers.hosts(there, network.router);
  }

  synchronized void freeze() {
    frozen = true;
  }

  /** Frames and events that wait for it to thaw. */
  synchronized int held() {
    return held.size();
  }

  synchronized boolean frozen() {
    return frozen;
  }

  void thaw() {
    List<Runnable> all;
    synchronized (this) {
      frozen = false;
      all = List.copyOf(held);
      held.clear();
    }
    all.forEach(Runnable::run);
  }

  // Stages.

  @Override
  public FakeStage stage(LayerRange layers) {
    loading.run();
    FakeStage stage = new FakeStage(layers, MemoryPeers.LAYERS, MemoryPeers.ROWS, this::computes);
    made.add(stage);
    return stage;
  }

  private void computes(Batch batch) {
    batches.incrementAndGet();
    rows.addAndGet(batch.rows());
    computing.accept(batch);
  }

  int openSessions() {
    int open = 0;
    for (FakeStage stage : made) {
      open += stage.openSessions();
    }
    return open;
  }

  @Override
  public int hiddenSize() {
    return FakeStage.WIDTH;
  }

  @Override
  public int vocabularySize() {
    return FakeTokenizer.VOCABULARY;
  }

  /** A hash of 64 bits: the upper half as key, the lower one as value. */
  @Override
  public KvLayout kv() {
    return new KvLayout(KvType.F32, 1, 1);
  }

  void close() {
    thaw();
    stages.close();
    net.shutdown();
    bulk.shutdown();
  }
}

package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.StageLostException;
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

  /** Until all stages of a ring are there, which may include that weights are read from disk. */
  private static final int SET_UP_SECONDS = 60;

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

  // Belonging to the thread.
  private final Map<Long, HostedStage> stages = new HashMap<>();
  private final Map<Long, RingReplica> replicas = new HashMap<>();
  private final FieldReader reader = new FieldReader(ByteBuffer.allocate(0));

  public StageHost(Links links, StageSource source, RingGate gate, KvExchange kv) {
    this.kv = kv;
    this.links = links;
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
  }

  /**
   * Sets a ring up whose first stage is here.
   *
   * @param sink takes what is sampled for callers on this device
   * @return completes once all its stages are ready, fails with {@link
   *     org.e2llm.StageLostException} if one is not
   */
  public CompletableFuture<RingReplica> replica(Ring ring, TokenSink sink) {
    CompletableFuture<RingReplica> ready = new CompletableFuture<>();
    run(
        () -> {
          try {
            Stage first = source.stage(ring.stages().get(0).layers());
            RingReplica replica =
                new RingReplica(ring, first, source.vocabularySize(), links, sink);
            replicas.put(ring.id(), replica);
            replica.onClose(() -> run(() -> replicas.remove(ring.id())));
            replica
                .connect()
                .orTimeout(SET_UP_SECONDS, TimeUnit.SECONDS)
                .whenComplete(
                    (done, error) -> {
                      if (error == null) {
                        ready.complete(done);
                      } else {
                        run(replica::close);
                        ready.completeExceptionally(
                            error instanceof TimeoutException
                                ? new StageLostException(
                                    replica + " was not there after " + SET_UP_SECONDS + " s")
                                : error);
                      }
                    });
          } catch (RuntimeException | OutOfMemoryError e) {
            ready.completeExceptionally(e);
          }
        });
    return ready;
  }

  /** Whether frames of this type are for this. */
  public static boolean takes(byte type) {
    return (type >= StageFrames.RING_OPEN && type <= StageFrames.STEP_FAILED)
        || type == KvFrames.KV_EXPECT
        || type == KvFrames.KV_PUSH;
  }

  /** A frame came; on the net thread. */
  public void received(String peer, byte type, ByteBuffer payload) {
    int bytes = payload.remaining();
    if (waitingBytes.addAndGet(bytes) > MOST_WAITING_BYTES) {
      waitingBytes.addAndGet(-bytes);
      throw new ProtocolException("more batches than this device can take in");
    }
    ByteBuffer copy = payloads.copy(payload);
    run(
        () -> {
          try {
            handle(peer, type, copy);
          } catch (E2llmException e) { // what it sent is nothing that a peer may send
            links.drop(peer, String.valueOf(e.getMessage()));
          } finally {
            waitingBytes.addAndGet(-bytes);
            payloads.give(copy);
          }
        });
  }

  private void handle(String peer, byte type, ByteBuffer payload) {
    FieldReader in = reader.over(payload.duplicate());
    if (type == StageFrames.RING_OPEN) {
      open(peer, Ring.read(in), payload);
      return;
    }
    long ring = in.i64("ring");
    RingReplica replica = replicas.get(ring);
    if (replica != null) {
      answered(replica, peer, type, in);
      return;
    }
    HostedStage stage = stages.get(ring);
    if (stage == null) {
      unknown(ring, peer, type);
    } else if (type == StageFrames.RING_CLOSE && stage.ring().host().equals(peer)) {
      close(stage);
    } else if (type == StageFrames.RING_BROKEN && peer.equals(stage.next())) {
      fail(stage, in.string("ring.why"));
    } else if (stage.before().equals(peer)) {
      try {
        stage.received(type, payload, in);
      } catch (ProtocolException e) {
        fail(stage, String.valueOf(e.getMessage()));
        throw e;
      } catch (RuntimeException | OutOfMemoryError e) {
        // Such as no memory for a session: the host starts it again, in another ring.
        fail(stage, String.valueOf(e.getMessage()));
      }
    } else {
      throw new ProtocolException("a frame of a ring in which it is no neighbour");
    }
  }

  /** Frames of a ring that is over. Who still sends into it has not heard, and is told. */
  private void unknown(long ring, String peer, byte type) {
    LOG.log(Level.FINE, "a frame of a ring that is not here, from {0}", peer);
    if (type == StageFrames.BATCH || type == StageFrames.SESSION_OPEN) {
      FieldWriter out = new FieldWriter(128).i64(ring);
      out.string("device " + links.self() + " is no part of the ring any more");
      links.send(peer, StageFrames.RING_BROKEN, SamplingCodec.copy(out), null);
    }
  }

  private void fail(HostedStage stage, String why) {
    refuse(stage.ring(), why);
    close(stage);
  }

  private void answered(RingReplica replica, String peer, byte type, FieldReader in) {
    boolean ofStep = type == StageFrames.RESULTS || type == StageFrames.STEP_FAILED;
    if (!replica.ring().has(peer) || (ofStep && !replica.ring().last().equals(peer))) {
      throw new ProtocolException("an answer that is another device's to give");
    }
    if (replica.isBroken()) {
      return;
    }
    try {
      answered(replica, type, in);
    } catch (RuntimeException e) { // its steps would never end
      replica.broken(String.valueOf(e.getMessage()));
      throw e;
    }
  }

  private static void answered(RingReplica replica, byte type, FieldReader in) {
    switch (type) {
      case StageFrames.RING_READY:
        replica.ready();
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

  private void open(String peer, Ring ring, ByteBuffer payload) {
    String why = refusal(ring, peer);
    if (why == null) {
      try {
        int index = ring.index(links.self());
        LayerRange layers = ring.stages().get(index).layers();
        Stage made = source.stage(layers);
        KvStage moves = kv.stage(ring, layers, this::run);
        HostedStage stage = new HostedStage(ring, made, source, links, payloads, moves);
        stages.put(ring.id(), stage);
        if (!stage.opened(payload)) {
          fail(stage, "it does not reach all of " + ring.stages());
        }
        return;
      } catch (RuntimeException | OutOfMemoryError e) {
        why = String.valueOf(e.getMessage());
      }
    }
    refuse(ring, why);
  }

  private @Nullable String refusal(Ring ring, String peer) {
    int index = ring.index(links.self());
    if (index < 1 || !ring.stages().get(index - 1).device().equals(peer)) {
      return "the ring does not lead from " + peer + " to " + links.self();
    }
    if (stages.containsKey(ring.id()) || replicas.containsKey(ring.id())) {
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
    run(
        () -> {
          for (HostedStage stage : List.copyOf(stages.values())) {
            if (stage.ring().has(peer)) {
              // The host too may be there again already, and not know that frames were lost.
              refuse(stage.ring(), "the connection to device " + peer + " was lost");
              close(stage);
            }
          }
          for (RingReplica replica : List.copyOf(replicas.values())) {
            if (replica.ring().has(peer)) {
              replica.broken("device " + peer + " was lost");
            }
          }
        });
  }

  private void close(HostedStage stage) {
    stages.remove(stage.ring().id(), stage);
    stage.close();
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
          replicas.values().forEach(replica -> replica.broken("the device has left"));
        });
    thread.shutdown();
    try {
      if (!thread.awaitTermination(10, TimeUnit.SECONDS)) {
        LOG.log(Level.WARNING, "a stage still computes 10 s after it was told to close");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

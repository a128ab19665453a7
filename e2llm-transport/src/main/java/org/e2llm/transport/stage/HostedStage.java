package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.e2llm.E2llmException;
import org.e2llm.StageFailedException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.pipeline.SamplingTail;
import org.e2llm.pipeline.SliceOutput;
import org.e2llm.pipeline.Stage;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.pipeline.StageSession;
import org.e2llm.text.Sampled;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * A stage of a ring that is not its first one. Does what the frames say that come from the stage
 * before, and passes them on. Belongs to the thread of {@link StageHost}.
 */
final class HostedStage implements AutoCloseable {
  private final Ring ring;
  private final Stage stage;
  private final StageSource source;
  private final Links links;
  private final Payloads payloads;
  private final @Nullable String next;
  private final @Nullable SamplingTail tail;
  private final float[] hidden;
  private final FieldWriter out = new FieldWriter(1024);
  private final KvStage kv;
  private final Map<Long, StageSession> sessions = new HashMap<>();
  private final Map<Long, Caller> callers = new HashMap<>();
  private final BitSet untold = new BitSet();
  private long batches;
  private volatile int passed;
  private volatile boolean abandoned;
  private volatile long slowest;

  /**
   * Takes the stage over.
   *
   * @param stage of the ring's layers for this device
   * @param kv its part in hand-offs
   */
  HostedStage(
      Ring ring, Stage stage, StageSource source, Links links, Payloads payloads, KvStage kv) {
    this.ring = ring;
    this.kv = kv;
    this.stage = stage;
    this.source = source;
    this.links = links;
    this.payloads = payloads;
    int index = ring.index(links.self());
    boolean last = index == ring.stages().size() - 1;
    this.next = last ? null : ring.stages().get(index + 1).device();
    this.tail = last ? new SamplingTail(source.vocabularySize(), (to, at, token) -> {}) : null;
    this.hidden = new float[Math.multiplyExact(stage.maxRows(), source.hiddenSize())];
  }

  Ring ring() {
    return ring;
  }

  long batches() {
    return batches;
  }

  /** Steps that have left this stage. Any thread. */
  int passed() {
    return passed;
  }

  /** The host has closed the ring: batches that still wait are not computed. Any thread. */
  void abandon() {
    abandoned = true;
  }

  /** Nanoseconds that the slowest batch so far took. Any thread. */
  long slowest() {
    return slowest;
  }

  /** The stage before this one, which alone may send to it. */
  String before() {
    return ring.stages().get(ring.index(links.self()) - 1).device();
  }

  /** The stage behind this one, which alone may say that it does not know the ring. */
  @Nullable String next() {
    return next;
  }

  /**
   * The ring is set up this far.
   *
   * @return false if the host, or the next stage, cannot be reached from here
   */
  boolean opened(ByteBuffer payload) {
    return send(ring.host(), StageFrames.RING_READY, out.clear().i64(ring.id()).i32(0))
        && pass(StageFrames.RING_OPEN, payload);
  }

  void received(byte type, ByteBuffer payload, FieldReader in) {
    switch (type) {
      case StageFrames.BATCH:
        batch(in);
        break;
      case StageFrames.SESSION_OPEN:
        open(in);
        pass(type, payload);
        break;
      case StageFrames.SESSION_BEGIN:
        begin(in);
        pass(type, payload);
        break;
      case StageFrames.SESSION_TRUNCATE:
        truncate(in);
        pass(type, payload);
        break;
      case StageFrames.SESSION_CLOSE:
        end(in.i64("session"));
        pass(type, payload);
        break;
      case KvFrames.KV_EXPECT:
        kv.expect(in, sessions);
        pass(type, payload);
        break;
      case KvFrames.KV_PUSH:
        kv.push(in, sessions);
        pass(type, payload);
        break;
      case StageFrames.STEP_FAILED:
        passed = in.i32("failed.step", 0, Integer.MAX_VALUE - 1) + 1;
        if (next == null) {
          send(ring.host(), type, payloads.copy(payload.duplicate()));
        } else {
          pass(type, payload);
        }
        break;
      default:
        throw new ProtocolException("frame type " + type + " is none for a later stage");
    }
  }

  private void open(FieldReader in) {
    long session = in.i64("session");
    int epoch = in.i32("session.epoch", 0, Integer.MAX_VALUE);
    int capacity = in.i32("session.capacity", 1, Integer.MAX_VALUE);
    if (sessions.containsKey(session)) {
      throw new ProtocolException("session " + session + " is open already");
    }
    sessions.put(session, stage.open(session, epoch, capacity));
  }

  private void begin(FieldReader in) {
    if (tail == null) {
      return;
    }
    long session = in.i64("session");
    callers.remove(session);
    if (!in.bool("session.samples")) {
      tail.end(session); // the host samples, from the logits
      return;
    }
    int[] tokens = SamplingCodec.readTokens(in, source.vocabularySize());
    SamplingSpec sampling = SamplingCodec.readParams(in, source.vocabularySize());
    Caller caller = SamplingCodec.readCaller(in);
    tail.begin(session, tokens, sampling, null);
    if (caller != null && !caller.peer().equals(ring.host())) {
      callers.put(session, caller);
    }
  }

  private void truncate(FieldReader in) {
    long id = in.i64("session");
    StageSession session = sessions.get(id);
    kv.stop(id);
    int length = in.i32("session.length", 0, Integer.MAX_VALUE);
    if (session != null) {
      session.truncate(length);
    }
  }

  private void end(long id) {
    kv.forget(id);
    StageSession session = sessions.remove(id);
    if (session != null) {
      session.close();
    }
    callers.remove(id);
    if (tail != null) {
      tail.end(id);
    }
  }

  private void batch(FieldReader in) {
    if (abandoned) {
      return;
    }
    int step = in.i32("batch.step");
    long began = System.nanoTime();
    Batch batch = BatchCodec.read(in, ring.hidden(), stage.maxRows(), source.hiddenSize(), hidden);
    StageOutput output;
    try {
      output = stage.forward(batch).toCompletableFuture().join();
      batches++;
      slowest = Math.max(slowest, System.nanoTime() - began);
    } catch (CompletionException e) {
      failed(step, e.getCause() == null ? e : e.getCause());
      return;
    } catch (RuntimeException | OutOfMemoryError e) {
      failed(step, e);
      return;
    }
    List<Batch.Slice> slices = batch.slices();
    if (tail != null) {
      List<SliceOutput> results = tail.sample(slices, output);
      untold.clear();
      for (int i = 0; i < results.size(); i++) {
        untold.set(i, !tell(results.get(i)));
      }
      ResultsCodec.write(out.clear(), ring.id(), step, results, untold);
      send(ring.host(), StageFrames.RESULTS, out);
    } else if (next != null) {
      ByteBuffer payload =
          payloads.take(
              BatchCodec.bytes(ring.hidden(), slices.size(), output.rows(), output.width()));
      BatchCodec.write(payload, ring, step, slices, output.data(), output.width());
      send(next, StageFrames.BATCH, payload);
    }
    passed = step + 1;
    kv.computed(slices);
  }

  private void failed(int step, Throwable cause) {
    E2llmException error =
        cause instanceof E2llmException known
            ? known
            : new StageFailedException(
                "layers " + stage.layers() + " failed on device " + links.self() + ": " + cause);
    out.clear().i64(ring.id()).i32(step);
    ResultsCodec.writeError(out, error);
    send(next == null ? ring.host() : next, StageFrames.STEP_FAILED, out);
    passed = step + 1;
  }

  /** Straight to the caller; false if it cannot be reached from here. */
  private boolean tell(SliceOutput output) {
    Batch.Slice slice = output.slice();
    Caller caller = callers.get(slice.session());
    Sampled token = output.token();
    if (caller == null || token == null) {
      return true;
    }
    SessionCodec.writeToken(out.clear(), caller, slice.start() + slice.length(), token);
    return send(caller.peer(), StageFrames.TOKEN, out);
  }

  private boolean pass(byte type, ByteBuffer payload) {
    return next == null || send(next, type, payloads.copy(payload.duplicate()));
  }

  private boolean send(String peer, byte type, FieldWriter written) {
    return send(peer, type, payloads.copy(written.payload()));
  }

  /** False if the peer is not there. A stage that is not there is lost, and the ring with it. */
  private boolean send(String peer, byte type, ByteBuffer payload) {
    boolean sent = links.send(peer, type, payload, () -> payloads.give(payload));
    if (!sent) {
      payloads.give(payload);
    }
    return sent;
  }

  /** Frees the sessions and the stage. */
  @Override
  public void close() {
    kv.close();
    sessions.clear();
    stage.close();
  }
}

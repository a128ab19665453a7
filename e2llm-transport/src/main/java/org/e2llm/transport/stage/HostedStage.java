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
import org.e2llm.text.Sampled;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * A stage of a ring that is not its first one. Does what the frames say that come from the stage
 * before, and passes them on. Belongs to the thread of {@link StageHost}.
 */
final class HostedStage {
  private static final float[] NOTHING = {};

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
  private final RingSessions sessions;
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
   * @param journals where memory for them is taken
   * @param kept takes what this one leaves
   * @param left what an earlier ring has left of the stage, or null
   * @param kv its part in hand-offs
   */
  HostedStage(
      Ring ring,
      Stage stage,
      StageSource source,
      Links links,
      Payloads payloads,
      JournalMemory journals,
      KeptStages kept,
      KeptStages.@Nullable Left left,
      KvStage kv) {
    this.ring = ring;
    this.kv = kv;
    this.stage = stage;
    this.source = source;
    this.links = links;
    this.payloads = payloads;
    int index = ring.index(links.self());
    boolean last = index == ring.stages().size() - 1;
    this.sessions = new RingSessions(stage, index, source.hiddenSize(), journals, kept, left);
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
   * The stage is there.
   *
   * @return false if the host, or the next stage, cannot be reached from here
   */
  boolean opened() {
    out.clear().i64(ring.id()).i32(0);
    KeptSession.Report.write(out, sessions.reports());
    return (next == null || links.reaches(next)) && send(ring.host(), StageFrames.RING_READY, out);
  }

  /** All others are there too. */
  void whole() {
    sessions.whole();
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
        if (in.remaining() == 0) {
          sessions.forget();
        } else {
          end(in.i64("session"));
        }
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
    Caller caller = SamplingCodec.readCaller(in);
    if (caller == null) {
      sessions.open(session, epoch, capacity);
    } else {
      Replay replay = Replay.read(in, ring.stages().size());
      sessions.resume(session, epoch, capacity, caller, replay);
    }
    in.end("session");
  }

  private void begin(FieldReader in) {
    long id = in.i64("session");
    Caller caller = SamplingCodec.readCaller(in);
    RingSession session = sessions.get(id);
    if (session != null) {
      session.begin(caller);
    }
    if (tail == null) {
      return;
    }
    callers.remove(id);
    if (!in.bool("session.samples")) {
      tail.end(id); // the host samples, from the logits
      return;
    }
    int[] tokens = SamplingCodec.readTokens(in, source.vocabularySize());
    SamplingSpec sampling = SamplingCodec.readParams(in, source.vocabularySize());
    tail.begin(id, tokens, sampling, null);
    if (caller != null && !caller.peer().equals(ring.host())) {
      callers.put(id, caller);
    }
  }

  private void truncate(FieldReader in) {
    long id = in.i64("session");
    RingSession session = sessions.get(id);
    kv.stop(id);
    int length = in.i32("session.length", 0, Integer.MAX_VALUE);
    if (session != null) {
      session.truncate(length);
    }
  }

  private void end(long id) {
    kv.forget(id);
    sessions.close(id);
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
    List<Batch.Slice> slices = BatchCodec.readSlices(in, stage.maxRows(), source.hiddenSize());
    BatchRows rows = sessions.rows(slices);
    receive(in, slices, rows);
    StageOutput output;
    try {
      output = compute(rows);
      slowest = Math.max(slowest, System.nanoTime() - began);
    } catch (CompletionException e) {
      failed(step, e.getCause() == null ? e : e.getCause());
      return;
    } catch (RuntimeException | OutOfMemoryError e) {
      failed(step, e);
      return;
    }
    if (tail != null) {
      List<SliceOutput> results = rows.whole(tail.sample(rows.named(), output));
      untold.clear();
      for (int i = 0; i < results.size(); i++) {
        untold.set(i, !tell(results.get(i)));
      }
      ResultsCodec.write(out.clear(), ring.id(), step, results, untold);
      send(ring.host(), StageFrames.RESULTS, out);
    } else if (next != null) {
      int width = source.hiddenSize();
      ByteBuffer payload =
          payloads.take(BatchCodec.bytes(ring.hidden(), slices.size(), rows.sent(), width));
      BatchCodec.write(payload, ring, step, slices, rows, output.data(), width);
      send(next, StageFrames.BATCH, payload);
    }
    passed = step + 1;
    kv.computed(slices);
  }

  /** Brings the rows to compute together: what was received, behind what a journal has. */
  private void receive(FieldReader in, List<Batch.Slice> slices, BatchRows rows) {
    int width = source.hiddenSize();
    ByteBuffer bytes = BatchCodec.readHidden(in, ring.hidden(), rows.received(), width);
    int row = 0;
    for (int i = 0; i < slices.size(); i++) {
      Batch.Slice slice = slices.get(i);
      RingSession session = sessions.get(slice.session());
      Journal journal = session == null ? null : session.journal();
      int end = slice.start() + slice.length();
      int fresh = end - rows.received(i);
      if (journal != null && rows.computed(i) > rows.received(i)) {
        if (journal.length() < fresh) {
          throw new ProtocolException("a batch of positions that no journal has");
        }
        journal.read(end - rows.computed(i), fresh, hidden, row);
      }
      row += rows.computed(i) - rows.received(i);
      HiddenCodec.get(bytes, ring.hidden(), hidden, row, rows.received(i), width);
      if (journal != null) {
        journal.add(fresh, hidden, row, rows.received(i));
      }
      row += rows.received(i);
    }
  }

  private StageOutput compute(BatchRows rows) {
    if (rows.computed() == 0) {
      int width = tail == null ? source.hiddenSize() : source.vocabularySize();
      return new StageOutput(NOTHING, 0, width);
    }
    Batch batch = Batch.ofHidden(rows.own(), hidden, source.hiddenSize());
    StageOutput output = stage.forward(batch).toCompletableFuture().join();
    batches++;
    return output;
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

  // What the ring before has left, and how this one ends.

  /** Whether sessions of the ring before wait here. Any thread. */
  boolean keeps() {
    return sessions.keeps();
  }

  void expire() {
    sessions.expire();
  }

  /** The ring is over: the stage, and what may go on in the next ring. */
  KeptStages.Left leave() {
    kv.close();
    return sessions.leaveAll();
  }

  /** Frees the sessions and the stage. */
  void close() {
    kv.close();
    sessions.closeAll();
    stage.close();
  }
}

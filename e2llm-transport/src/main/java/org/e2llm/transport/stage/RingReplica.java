package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.StageLostException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.KvBlock;
import org.e2llm.pipeline.Replica;
import org.e2llm.pipeline.ReplicaSession;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.pipeline.SamplingTail;
import org.e2llm.pipeline.SliceOutput;
import org.e2llm.pipeline.Stage;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.pipeline.StageSession;
import org.e2llm.pipeline.TokenSink;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.StagePlan;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * A replica of two or more devices, on its host: computes the first stage, sends hidden states on
 * and takes up what the last stage sampled. As many batches are under way as there are stages, and
 * one more, so that none waits for the wire.
 *
 * <p>Once a stage is lost every call fails with {@link StageLostException}: sessions go on in
 * another ring.
 *
 * <p>Driven by one thread, as {@link Replica} says; results come on another one, that of {@link
 * StageHost}.
 */
public final class RingReplica implements Replica {
  /** How long stages have to say how far they are, before one is given up. */
  private static final long ANSWER = TimeUnit.SECONDS.toNanos(1);

  private record Pending(
      int step, List<Batch.Slice> slices, CompletableFuture<List<SliceOutput>> outputs) {}

  private final Ring ring;
  private final Stage first;
  private final int vocabularySize;
  private final Links links;
  private final TokenSink sink;
  private final String next;
  private final LongSupplier clock;
  private final Payloads payloads = new Payloads();
  private final FieldWriter control = new FieldWriter(256);
  private final CompletableFuture<RingReplica> ready = new CompletableFuture<>();
  private final CompletableFuture<StageLostException> lost = new CompletableFuture<>();
  private int steps;
  private Runnable onClose = () -> {};

  // Guarded by this.
  private final Map<Long, Session> sessions = new HashMap<>();
  private final ArrayDeque<Pending> pending = new ArrayDeque<>();
  private final SamplingTail tail;
  private final RingWatch watch;

  /**
   * By place in the ring, as the stage said last: steps that have left it, -1 if it said nothing.
   */
  private final int[] passed;

  private boolean asked;
  private long askedAt;
  private boolean computing;
  private @Nullable StageLostException broken;
  private long brokenAt;

  /**
   * Not set up yet: {@link #connect} does.
   *
   * @param first stage of the ring, on this device; taken over
   * @param sink takes what is sampled for callers on this device
   * @param patience how many times longer than usual this waits for the other stages
   * @param clock nanoseconds since any fixed moment
   */
  RingReplica(
      Ring ring,
      Stage first,
      int vocabularySize,
      Links links,
      TokenSink sink,
      int patience,
      LongSupplier clock) {
    if (ring.stages().size() < 2 || !ring.host().equals(links.self())) {
      throw new IllegalArgumentException("a ring of " + ring.stages() + " on " + links.self());
    }
    this.ring = ring;
    this.first = first;
    this.vocabularySize = vocabularySize;
    this.links = links;
    this.sink = sink;
    this.next = ring.stages().get(1).device();
    this.clock = clock;
    this.passed = new int[ring.stages().size()];
    Arrays.fill(passed, -1);
    int layers = ring.stages().get(ring.stages().size() - 1).layers().to();
    double share = (double) first.layers().size() / layers;
    this.watch = new RingWatch(share, patience, clock.getAsLong());
    this.tail = new SamplingTail(vocabularySize, (caller, position, token) -> {});
  }

  Ring ring() {
    return ring;
  }

  void onClose(Runnable action) {
    onClose = action;
  }

  /** Asks the other stages to get ready; completes with this once all are. */
  CompletableFuture<RingReplica> connect() {
    // The loss of one that is not there now was noticed before there was a ring to break.
    for (StagePlan stage : ring.stages().subList(1, ring.stages().size())) {
      if (!links.reaches(stage.device())) {
        broken("device " + stage.device() + " is not connected");
      }
    }
    FieldWriter out = new FieldWriter(1024);
    ring.write(out);
    send(StageFrames.RING_OPEN, out);
    return ready;
  }

  @Override
  public int maxRows() {
    return first.maxRows();
  }

  @Override
  public int stepsInFlight() {
    return ring.stages().size() + 1;
  }

  @Override
  public int lanes() {
    return ring.stages().size();
  }

  @Override
  public int vocabularySize() {
    return vocabularySize;
  }

  @Override
  public ReplicaSession open(long session, int epoch, int capacity) {
    checkWhole();
    Session opened = new Session(first.open(session, epoch, capacity));
    synchronized (this) {
      sessions.put(session, opened);
    }
    begin().i64(session).i32(epoch).i32(capacity);
    send(StageFrames.SESSION_OPEN, control);
    return opened;
  }

  @Override
  public CompletionStage<List<SliceOutput>> step(Batch batch) {
    checkWhole();
    StageOutput hidden;
    begin(batch);
    try {
      hidden = first.forward(batch).toCompletableFuture().join();
    } catch (CompletionException e) {
      failedHere();
      return CompletableFuture.failedFuture(e.getCause() == null ? e : e.getCause());
    } catch (RuntimeException | Error e) {
      failedHere();
      throw e;
    }
    int step = steps++;
    CompletableFuture<List<SliceOutput>> outputs = new CompletableFuture<>();
    synchronized (this) {
      computing = false;
      watch.computedHere(clock.getAsLong());
      if (broken != null) { // while the first stage computed: nobody would end this step
        outputs.completeExceptionally(broken);
        return outputs;
      }
      pending.add(new Pending(step, batch.slices(), outputs));
    }
    HiddenType type = ring.hidden();
    int bytes = BatchCodec.bytes(type, batch.slices().size(), hidden.rows(), hidden.width());
    ByteBuffer payload = payloads.take(bytes);
    BatchCodec.write(payload, ring, step, batch.slices(), hidden.data(), hidden.width());
    if (!links.send(next, StageFrames.BATCH, payload, () -> payloads.give(payload))) {
      payloads.give(payload);
      broken("device " + next + " cannot be reached");
    }
    return outputs;
  }

  /**
   * Sends something to the other stages behind all that was sent to them before.
   *
   * @param payload writes what follows the ring
   */
  void pass(byte type, Consumer<FieldWriter> payload) {
    FieldWriter out = new FieldWriter(256).i64(ring.id());
    payload.accept(out);
    send(type, out);
  }

  private synchronized void begin(Batch batch) {
    computing = true;
    watch.began(steps, batch.rows(), batch.decodes(), clock.getAsLong());
  }

  private synchronized void failedHere() {
    computing = false;
    watch.failedHere();
  }

  /**
   * Breaks the ring if a stage is late; to be called several times a second, from any thread. The
   * stages are asked first how far they are, which their net threads answer.
   *
   * @return the device that is late, or null
   */
  @Nullable String tick() {
    String why;
    String late;
    synchronized (this) {
      long now = clock.getAsLong();
      if (broken != null || !watch.isLate(now)) {
        asked = false;
        return null;
      }
      if (asked && now - askedAt < ANSWER) {
        return null;
      }
      late = asked || !ready.isDone() ? lateDevice() : null;
      why = watch.describe(now);
      askedAt = now;
      asked = true;
    }
    if (late == null) {
      tellAll(StageFrames.RING_READY);
      return null;
    }
    broken("device " + late + " " + why);
    return late;
  }

  /** The first one in the ring that the step has not left. */
  private String lateDevice() {
    int step = watch.awaited();
    Pending head = pending.peek();
    if (step >= 0 && (head == null || head.step() != step)) {
      return ring.host();
    }
    for (int i = 1; i < passed.length; i++) {
      if (passed[i] <= step) {
        return ring.stages().get(i).device();
      }
    }
    return ring.last(); // its results did not come
  }

  /** Whether the first stage still computes though the ring has been broken for so long. */
  synchronized boolean isStuck(long nanos) {
    return broken != null && computing && clock.getAsLong() - brokenAt >= nanos;
  }

  // What the other stages answer; on the thread of the stage host.

  /** A stage is there, or answers how far it is: so many steps have left it. */
  void stands(String peer, int stepsPassed) {
    boolean all;
    synchronized (this) {
      int place = ring.index(peer);
      boolean known = passed[place] >= 0;
      passed[place] = stepsPassed;
      if (known) {
        return;
      }
      all = true;
      for (int i = 1; i < passed.length; i++) {
        all &= passed[i] >= 0;
      }
      watch.ready(all, clock.getAsLong());
    }
    if (all) {
      ready.complete(this);
    }
  }

  void results(FieldReader in) {
    int step = in.i32("results.step");
    Pending done = head(step);
    if (done == null) {
      return;
    }
    BitSet untold = new BitSet();
    List<SliceOutput> outputs = ResultsCodec.read(in, done.slices(), vocabularySize, untold);
    if (outputs.size() != done.slices().size()) {
      throw new ProtocolException(
          outputs.size() + " results for a batch of " + done.slices().size() + " slices");
    }
    for (int i = 0; i < outputs.size(); i++) {
      outputs.set(i, deliver(step, outputs.get(i), untold.get(i)));
    }
    end(done); // not before: should the above fail, what breaks the ring ends the step
    done.outputs().complete(outputs);
  }

  /**
   * Samples here what a logits processor is to see, or nobody else may, and tells callers on this
   * device and those that the last stage does not reach. What was under way when the session began
   * anew, such as with a conversation's next turn, concerns nobody any more.
   */
  private SliceOutput deliver(int step, SliceOutput output, boolean untold) {
    Batch.Slice slice = output.slice();
    Session session;
    SliceOutput result = output;
    boolean mine = untold;
    synchronized (this) {
      session = sessions.get(slice.session());
      if (session != null && step - session.since < 0) {
        return output;
      }
      SliceOutput.Logits logits = output.logits();
      if (session != null && session.samplesHere && logits != null) {
        StageOutput rows = new StageOutput(logits.data(), logits.rows(), logits.width());
        result = tail.sample(List.of(slice), rows).get(0);
        mine = true;
      }
    }
    Caller caller = session == null ? null : session.caller;
    if (caller != null && result.token() != null && (mine || caller.peer().equals(links.self()))) {
      sink.sampled(caller, slice.start() + slice.length(), result.token());
    }
    return result;
  }

  void failed(FieldReader in) {
    Pending done = head(in.i32("failed.step"));
    if (done != null) {
      E2llmException error = ResultsCodec.readError(in);
      end(done);
      done.outputs().completeExceptionally(error);
    }
  }

  /** Steps end in the order in which they began; if another one does, frames were lost: null. */
  private @Nullable Pending head(int step) {
    Pending head;
    synchronized (this) {
      head = pending.peek();
    }
    if (head != null && head.step() == step) {
      return head;
    }
    broken("step " + step + " ended, expected is " + (head == null ? "none" : head.step()));
    return null;
  }

  private synchronized void end(Pending done) {
    if (pending.remove(done)) {
      watch.ended(clock.getAsLong());
    }
  }

  /** A stage is lost, or refuses: nothing goes through this ring any more. */
  void broken(String why) {
    StageLostException error = new StageLostException(why);
    List<Pending> ended;
    synchronized (this) {
      if (broken != null) {
        return;
      }
      broken = error;
      brokenAt = clock.getAsLong();
      ended = List.copyOf(pending);
      pending.clear();
    }
    ready.completeExceptionally(error);
    ended.forEach(step -> step.outputs().completeExceptionally(error));
    lost.complete(error);
    tellAll(StageFrames.RING_CLOSE);
  }

  /** To every stage, straight: those behind a lost one would not hear of it otherwise. */
  private void tellAll(byte type) {
    for (StagePlan stage : ring.stages().subList(1, ring.stages().size())) {
      tell(stage.device(), type);
    }
  }

  private void tell(String stage, byte type) {
    FieldWriter out = new FieldWriter(8).i64(ring.id());
    links.send(stage, type, SamplingCodec.copy(out), null);
  }

  /** The word that it is over came before this stage was set up. */
  void closeAgain(String stage) {
    tell(stage, StageFrames.RING_CLOSE);
  }

  /** Steps under way. */
  synchronized int pending() {
    return pending.size();
  }

  private synchronized void checkWhole() {
    if (broken != null) {
      throw new StageLostException(String.valueOf(broken.getMessage()));
    }
  }

  @Override
  public CompletionStage<StageLostException> lost() {
    return lost;
  }

  /** Whether a stage was lost: nothing goes through any more. */
  public synchronized boolean isBroken() {
    return broken != null;
  }

  private FieldWriter begin() {
    return control.clear().i64(ring.id());
  }

  private void send(byte type, FieldWriter out) {
    if (!isBroken() && !links.send(next, type, SamplingCodec.copy(out), null)) {
      broken("device " + next + " cannot be reached");
    }
  }

  @Override
  public void close() {
    List<Session> open;
    synchronized (this) {
      open = List.copyOf(sessions.values());
    }
    open.forEach(Session::close);
    broken("the ring was closed");
    first.close();
    onClose.run();
  }

  /** The first stage's session; what is done to it, the other stages do after it. */
  private final class Session implements ReplicaSession {
    private final StageSession kv;
    private volatile @Nullable Caller caller;
    private boolean samplesHere;

    /** The step from which on results are of what began last. */
    private int since;

    Session(StageSession kv) {
      this.kv = kv;
    }

    @Override
    public void begin(int[] tokens, SamplingSpec sampling, @Nullable Caller forWhom) {
      if (tokens.length <= kv.length()) {
        throw new IllegalArgumentException(
            tokens.length + " tokens leave nothing to feed after " + kv.length());
      }
      // Tokens would pass all stages on their way to the last one.
      boolean here = sampling.processor() != null || ring.keepsEnds();
      synchronized (RingReplica.this) {
        caller = forWhom;
        since = steps;
        samplesHere = here;
        if (here) {
          tail.begin(kv.id(), tokens, sampling, null);
        } else {
          tail.end(kv.id());
        }
      }
      FieldWriter out = new FieldWriter(64 + 4 * tokens.length);
      out.i64(ring.id()).i64(kv.id());
      out.bool(!here);
      if (!here) {
        SamplingCodec.writeTokens(out, tokens);
        SamplingCodec.writeParams(out, sampling.params());
        SamplingCodec.writeCaller(out, forWhom);
      }
      send(StageFrames.SESSION_BEGIN, out);
    }

    @Override
    public long id() {
      return kv.id();
    }

    @Override
    public int epoch() {
      return kv.epoch();
    }

    @Override
    public int length() {
      return kv.length();
    }

    @Override
    public void truncate(int length) {
      kv.truncate(length);
      RingReplica.this.begin().i64(kv.id()).i32(length);
      send(StageFrames.SESSION_TRUNCATE, control);
    }

    /** On this device. */
    @Override
    public long allocatedBytes() {
      return kv.allocatedBytes();
    }

    @Override
    public KvBlock exportKv(LayerRange layers, int from, int to) {
      requireHere(layers);
      return kv.exportKv(layers, from, to);
    }

    @Override
    public void importKv(KvBlock block) {
      requireHere(block.layers());
      kv.importKv(block);
    }

    private void requireHere(LayerRange layers) {
      if (!first.layers().contains(layers)) {
        throw new InvalidRequestException(
            "KV of layers " + layers + " is not on this device, which has " + first.layers());
      }
    }

    @Override
    public void close() {
      synchronized (RingReplica.this) {
        sessions.remove(kv.id(), this);
        tail.end(kv.id());
      }
      kv.close();
      RingReplica.this.begin().i64(kv.id());
      send(StageFrames.SESSION_CLOSE, control);
    }
  }

  @Override
  public String toString() {
    return "ring " + Long.toHexString(ring.id()) + " of " + ring.stages();
  }
}

package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
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
import org.e2llm.pipeline.SliceOutput;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.pipeline.StageSession;
import org.e2llm.pipeline.TokenSink;
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
 * <p>Driven by one thread, as {@link Replica} says; results come on another one, the net thread or
 * that of {@link StageHost}.
 */
public final class RingReplica implements Replica {
  private final Ring ring;
  private final FirstStage first;
  private final RingSteps steps;
  private final int vocabularySize;
  private final int width;
  private final Links links;
  private final RingSampling sampling;
  private final String next;
  private final Payloads payloads = new Payloads();
  private final FieldWriter control = new FieldWriter(256);
  private final CompletableFuture<RingReplica> ready = new CompletableFuture<>();
  private final CompletableFuture<StageLostException> lost = new CompletableFuture<>();
  private int nextStep;
  private Runnable onClose = () -> {};
  private Runnable onBreak = () -> {};

  // Guarded by this.
  private final Map<Long, Session> sessions = new HashMap<>();
  private @Nullable StageLostException broken;

  /** There was something to go on with when it broke. */
  private boolean leaves;

  /**
   * Not set up yet: {@link #connect} does.
   *
   * @param first stage of the ring, on this device; taken over
   * @param steps of which none is under way
   * @param sink takes what is sampled for callers on this device
   */
  RingReplica(
      Ring ring,
      FirstStage first,
      RingSteps steps,
      StageSource source,
      Links links,
      TokenSink sink) {
    if (ring.stages().size() < 2 || !ring.host().equals(links.self())) {
      throw new IllegalArgumentException("a ring of " + ring.stages() + " on " + links.self());
    }
    this.ring = ring;
    this.first = first;
    this.steps = steps;
    this.vocabularySize = source.vocabularySize();
    this.width = source.hiddenSize();
    this.links = links;
    this.sampling = new RingSampling(links.self(), vocabularySize, sink);
    this.next = ring.stages().get(1).device();
  }

  Ring ring() {
    return ring;
  }

  void onClose(Runnable action) {
    onClose = action;
  }

  /** Before anybody can see that it is broken. */
  void onBreak(Runnable action) {
    onBreak = action;
  }

  /** What is to be done on the thread that drives this goes there. */
  void drivenBy(Executor thread) {
    first.drivenBy(thread);
  }

  /** Asks all other stages at once to get ready; completes with this once all are. */
  CompletableFuture<RingReplica> connect() {
    // The loss of one that is not there now was noticed before there was a ring to break.
    for (StagePlan stage : ring.stages().subList(1, ring.stages().size())) {
      if (!links.reaches(stage.device())) {
        broken("device " + stage.device() + " is not connected");
      }
    }
    FieldWriter out = new FieldWriter(1024);
    ring.write(out);
    for (StagePlan stage : ring.stages().subList(1, ring.stages().size())) {
      send(stage.device(), StageFrames.RING_OPEN, out);
    }
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
    return open(session, epoch, capacity, null, 0);
  }

  @Override
  public ReplicaSession open(
      long session, int epoch, int capacity, @Nullable Caller caller, int known) {
    checkWhole();
    RingSession goesOn =
        caller == null ? null : first.resume(session, epoch, capacity, caller, known);
    RingSession held = goesOn == null ? first.open(session, epoch, capacity) : goesOn;
    Session opened = new Session(session, epoch, held);
    begin().i64(session).i32(epoch).i32(capacity);
    SamplingCodec.writeCaller(control, goesOn == null ? null : caller);
    if (goesOn != null) {
      goesOn.replay().write(control);
    }
    synchronized (this) {
      sessions.put(session, opened);
    }
    send(StageFrames.SESSION_OPEN, control);
    return opened;
  }

  /** Whether stages are still to compute again what the session held in an earlier ring. */
  boolean replays(long session) {
    return first.replays(session);
  }

  @Override
  public CompletionStage<List<SliceOutput>> step(Batch batch) {
    checkWhole();
    if (first.makesRoom(batch.rows())) {
      send(StageFrames.SESSION_CLOSE, begin());
    }
    int number = nextStep;
    BatchRows rows = first.rows(batch);
    StageOutput hidden;
    steps.begins(number, batch, first.replays(batch));
    try {
      hidden = first.compute(batch, rows);
    } catch (CompletionException e) {
      steps.failedHere();
      return CompletableFuture.failedFuture(e.getCause() == null ? e : e.getCause());
    } catch (RuntimeException | Error e) {
      steps.failedHere();
      throw e;
    }
    nextStep++;
    if (!rows.isAll()) {
      batch.slices().forEach(this::fed);
    }
    CompletableFuture<List<SliceOutput>> outputs = new CompletableFuture<>();
    if (!steps.leaves(new RingSteps.Step(number, batch.slices(), outputs))) {
      outputs.completeExceptionally(why());
      return outputs;
    }
    int bytes = BatchCodec.bytes(ring.hidden(), batch.slices().size(), rows.sent(), width);
    ByteBuffer payload = payloads.take(bytes);
    BatchCodec.write(payload, ring, number, batch.slices(), rows, hidden.data(), width);
    if (!links.send(next, StageFrames.BATCH, payload, () -> payloads.give(payload))) {
      payloads.give(payload);
      broken("device " + next + " cannot be reached");
    }
    return outputs;
  }

  private synchronized void fed(Batch.Slice slice) {
    Session session = sessions.get(slice.session());
    if (session != null) {
      session.fed(slice);
    }
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

  /**
   * Breaks the ring if a stage is late; to be called several times a second, from any thread.
   *
   * @return the device that is late, or null
   */
  @Nullable String tick() {
    first.tick();
    RingSteps.Late late = steps.look();
    if (late == null) {
      return null;
    }
    if (late.device() == null) {
      tellAll(StageFrames.RING_READY);
      return null;
    }
    broken("device " + late.device() + " " + late.why());
    return late.device();
  }

  /** Whether the first stage still computes though the ring has been broken for so long. */
  boolean isStuck(long nanos) {
    return steps.isStuck(nanos);
  }

  // What the other stages answer; on the thread of the stage host, but for what is said otherwise.

  /**
   * A stage is there, or answers how far it is.
   *
   * @param stepsPassed so many steps have left it
   * @param reports what it has kept, as it says when it is set up
   */
  void stands(String peer, int stepsPassed, List<KeptSession.Report> reports) {
    first.kept(ring.index(peer), reports);
    if (steps.stands(peer, stepsPassed)) {
      if (first.whole()) {
        tellAll(StageFrames.RING_READY);
      }
      ready.complete(this);
    }
  }

  /** Whether a stage is not there yet on a device that has none in the other ring. */
  boolean waitsForOneWithout(Ring other) {
    return steps.waitsFor(device -> !other.has(device));
  }

  /**
   * Whether {@link #results} and {@link #failed} may be called on the net thread: nothing is, or
   * was, to be sampled here. Once it is false it stays so, and steps end in their order.
   */
  boolean endsStepsAtOnce() {
    return !ring.keepsEnds() && !sampling.samples();
  }

  void results(FieldReader in) {
    int step = in.i32("results.step");
    RingSteps.Step done = head(step);
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
      outputs.set(i, sampling.deliver(step, outputs.get(i), untold.get(i)));
    }
    steps.end(done); // not before: should the above fail, what breaks the ring ends the step
    done.outputs().complete(outputs);
  }

  void failed(FieldReader in) {
    RingSteps.Step done = head(in.i32("failed.step"));
    if (done != null) {
      E2llmException error = ResultsCodec.readError(in);
      steps.end(done);
      done.outputs().completeExceptionally(error);
    }
  }

  /** Steps end in the order in which they began; if another one does, frames were lost: null. */
  private RingSteps.@Nullable Step head(int step) {
    RingSteps.Step head = steps.head();
    if (head != null && head.number() == step) {
      return head;
    }
    broken("step " + step + " ended, expected is " + (head == null ? "none" : head.number()));
    return null;
  }

  /** A stage is lost, or refuses: nothing goes through this ring any more. */
  void broken(String why) {
    StageLostException error = new StageLostException(why);
    boolean idle;
    synchronized (this) {
      if (broken != null) {
        return;
      }
      onBreak.run();
      broken = error;
      leaves = !sessions.isEmpty() || first.keeps();
      idle = sessions.isEmpty();
    }
    ready.completeExceptionally(error);
    steps.over().forEach(step -> step.outputs().completeExceptionally(error));
    lost.complete(error);
    tellAll(StageFrames.RING_CLOSE);
    if (idle) {
      first.leaveSoon(); // else with the end of the last session
    }
  }

  /** To every stage, straight: those behind a lost one would not hear of it otherwise. */
  private void tellAll(byte type) {
    FieldWriter out = new FieldWriter(8).i64(ring.id());
    for (StagePlan stage : ring.stages().subList(1, ring.stages().size())) {
      links.send(stage.device(), type, SamplingCodec.copy(out), null);
    }
  }

  /** Steps under way. */
  int pending() {
    return steps.size();
  }

  private void checkWhole() {
    if (isBroken()) {
      throw why();
    }
  }

  /** Made anew, because it goes to several sessions, each with its text. */
  private synchronized StageLostException why() {
    return new StageLostException(broken == null ? "" : String.valueOf(broken.getMessage()));
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
    send(next, type, out);
  }

  private void send(String device, byte type, FieldWriter out) {
    if (!isBroken() && !links.send(device, type, SamplingCodec.copy(out), null)) {
      broken("device " + device + " cannot be reached");
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
    first.leave();
    onClose.run();
  }

  /** Whether it is broken and has not yet left what the next ring can go on with. */
  synchronized boolean isLeaving() {
    return leaves && !first.left().isDone();
  }

  /** Completes when the first stage is nothing of this any more. */
  CompletableFuture<Void> left() {
    return first.left();
  }

  /** The first stage's session; what is done to it, the other stages do after it. */
  private final class Session implements ReplicaSession {
    private final long id;
    private final int epoch;
    private final RingSession session;
    private final StageSession kv;
    private int fed;

    Session(long id, int epoch, RingSession session) {
      this.id = id;
      this.epoch = epoch;
      this.session = session;
      this.kv = session.kv();
      this.fed = session.replay().feedsFrom();
    }

    @Override
    public void begin(int[] tokens, SamplingSpec spec, @Nullable Caller caller) {
      if (tokens.length <= length()) {
        throw new IllegalArgumentException(
            tokens.length + " tokens leave nothing to feed after " + length());
      }
      // Tokens would pass all stages on their way to the last one.
      boolean here = spec.processor() != null || ring.keepsEnds();
      session.begin(caller);
      sampling.begin(id, tokens, spec, caller, here, nextStep);
      FieldWriter out = new FieldWriter(64 + 4 * tokens.length);
      out.i64(ring.id()).i64(id);
      SamplingCodec.writeCaller(out, caller);
      out.bool(!here);
      if (!here) {
        SamplingCodec.writeTokens(out, tokens);
        SamplingCodec.writeParams(out, spec.params());
      }
      send(StageFrames.SESSION_BEGIN, out);
    }

    @Override
    public long id() {
      return id;
    }

    @Override
    public int epoch() {
      return epoch;
    }

    /** While stages compute again what it held before, as far as they have been fed. */
    @Override
    public int length() {
      return fed < session.replay().length() ? fed : kv.length();
    }

    void fed(Batch.Slice slice) {
      fed = slice.start() + slice.length();
    }

    @Override
    public void truncate(int length) {
      session.truncate(length);
      fed = Math.min(fed, length);
      RingReplica.this.begin().i64(id).i32(length);
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

    /** In a ring that broke it may go on in the next one, and stays until then. */
    @Override
    public void close() {
      boolean over;
      boolean none;
      synchronized (RingReplica.this) {
        over = broken != null;
        if (!sessions.remove(id, this)) {
          return;
        }
        none = sessions.isEmpty();
      }
      sampling.end(id);
      if (over) {
        first.leave(id);
      } else {
        first.close(id);
        RingReplica.this.begin().i64(id);
        send(StageFrames.SESSION_CLOSE, control);
      }
      if (over && none) {
        first.leave();
      }
    }
  }

  @Override
  public String toString() {
    return "ring " + Long.toHexString(ring.id()) + " of " + ring.stages();
  }
}

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
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
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
import org.e2llm.pipeline.Stage;
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
 * <p>Driven by one thread, as {@link Replica} says; results come on another one, that of {@link
 * StageHost}.
 */
public final class RingReplica implements Replica {
  private static final Logger LOG = Logger.getLogger(RingReplica.class.getName());
  private static final float[] NOTHING = {};

  /** How long stages have to say how far they are, before one is given up. */
  private static final long ANSWER = TimeUnit.SECONDS.toNanos(1);

  private record Pending(
      int step, List<Batch.Slice> slices, CompletableFuture<List<SliceOutput>> outputs) {}

  private final Ring ring;
  private final Stage first;
  private final RingSessions held;
  private final KeptSurvey survey;
  private final KeptStages kept;
  private final long kvTokens;
  private final int vocabularySize;
  private final int width;
  private final Links links;
  private final RingSampling sampling;
  private final String next;
  private final LongSupplier clock;
  private final Payloads payloads = new Payloads();
  private final FieldWriter control = new FieldWriter(256);
  private final CompletableFuture<RingReplica> ready = new CompletableFuture<>();
  private final CompletableFuture<StageLostException> lost = new CompletableFuture<>();
  private final CompletableFuture<Void> left = new CompletableFuture<>();
  private int steps;
  private Runnable onClose = () -> {};
  private volatile Executor driver = work -> {};

  // Guarded by this.
  private final Map<Long, Session> sessions = new HashMap<>();
  private final ArrayDeque<Pending> pending = new ArrayDeque<>();
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

  /** Sessions were open when it broke; the end of the last one is the end of all. */
  private boolean leaves;

  /**
   * Not set up yet: {@link #connect} does.
   *
   * @param first stage of the ring, on this device; taken over
   * @param before what an earlier ring has left of it, or null
   * @param kept takes what this one leaves
   * @param kvTokens the most tokens that its stages may cache at the same time
   * @param sink takes what is sampled for callers on this device
   * @param patience how many times longer than usual this waits for the other stages
   * @param clock nanoseconds since any fixed moment
   */
  RingReplica(
      Ring ring,
      Stage first,
      KeptStages.@Nullable Left before,
      KeptStages kept,
      long kvTokens,
      StageSource source,
      Links links,
      TokenSink sink,
      int patience,
      LongSupplier clock) {
    if (ring.stages().size() < 2 || !ring.host().equals(links.self())) {
      throw new IllegalArgumentException("a ring of " + ring.stages() + " on " + links.self());
    }
    this.ring = ring;
    this.first = first;
    this.vocabularySize = source.vocabularySize();
    this.width = source.hiddenSize();
    this.held = new RingSessions(first, 0, width, null, before);
    this.survey = new KeptSurvey(ring.sizes());
    this.kept = kept;
    this.kvTokens = kvTokens;
    this.links = links;
    this.sampling = new RingSampling(links.self(), vocabularySize, sink);
    this.next = ring.stages().get(1).device();
    this.clock = clock;
    this.passed = new int[ring.stages().size()];
    Arrays.fill(passed, -1);
    int layers = ring.stages().get(ring.stages().size() - 1).layers().to();
    double share = (double) first.layers().size() / layers;
    this.watch = new RingWatch(share, patience, clock.getAsLong());
    survey.add(0, held.reports(kept.now()), kept.now());
  }

  Ring ring() {
    return ring;
  }

  void onClose(Runnable action) {
    onClose = action;
  }

  /** What is to be done on the thread that drives this goes there. */
  void drivenBy(Executor thread) {
    driver = thread;
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
    Replay replay = Replay.NONE;
    RingSession goesOn = null;
    if (caller != null) {
      replay = survey.take(caller, capacity, known, kept.now());
      goesOn = replay.length() == 0 ? null : resume(session, epoch, capacity, caller, replay);
    }
    begin().i64(session).i32(epoch).i32(capacity);
    Session opened;
    if (goesOn == null) {
      opened = new Session(session, epoch, held.open(session, epoch, capacity));
      SamplingCodec.writeCaller(control, null);
    } else {
      opened = new Session(session, epoch, goesOn);
      SamplingCodec.writeCaller(control, caller);
      replay.write(control);
    }
    synchronized (this) {
      sessions.put(session, opened);
    }
    send(StageFrames.SESSION_OPEN, control);
    return opened;
  }

  /** Null if what was here is not here any more. */
  private @Nullable RingSession resume(
      long session, int epoch, int capacity, Caller caller, Replay replay) {
    try {
      RingSession goesOn = held.resume(session, epoch, capacity, caller, replay);
      LOG.log(Level.FINE, "a session of {0} goes on: {1}", new Object[] {caller.peer(), replay});
      return goesOn;
    } catch (E2llmException e) {
      LOG.log(Level.FINE, "a session begins with its tokens", e);
      return null;
    }
  }

  /** Whether stages are still to compute again what the session held in an earlier ring. */
  boolean replays(long session) {
    RingSession open = held.get(session);
    return open != null && open.replay().length() > 0 && open.replay().feedsFrom() == 0;
  }

  @Override
  public CompletionStage<List<SliceOutput>> step(Batch batch) {
    checkWhole();
    makeRoom(batch.rows());
    BatchRows rows = held.rows(batch.slices());
    StageOutput hidden;
    begin(batch);
    try {
      hidden = compute(batch, rows);
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
      if (!rows.isAll()) {
        batch.slices().forEach(this::fed);
      }
      if (broken != null) { // while the first stage computed: nobody would end this step
        outputs.completeExceptionally(broken);
        return outputs;
      }
      pending.add(new Pending(step, batch.slices(), outputs));
    }
    int bytes = BatchCodec.bytes(ring.hidden(), batch.slices().size(), rows.sent(), width);
    ByteBuffer payload = payloads.take(bytes);
    BatchCodec.write(payload, ring, step, batch.slices(), rows, hidden.data(), width);
    if (!links.send(next, StageFrames.BATCH, payload, () -> payloads.give(payload))) {
      payloads.give(payload);
      broken("device " + next + " cannot be reached");
    }
    return outputs;
  }

  private void fed(Batch.Slice slice) {
    Session session = sessions.get(slice.session());
    if (session != null) {
      session.fed(slice);
    }
  }

  private StageOutput compute(Batch batch, BatchRows rows) {
    int[] tokens = batch.tokens();
    if (tokens == null) {
      throw new InvalidRequestException("a first stage takes token ids");
    }
    if (rows.computed() == 0) {
      return new StageOutput(NOTHING, 0, width);
    }
    Batch own = rows.isAll() ? batch : Batch.ofTokens(rows.own(), rows.own(tokens));
    return first.forward(own).toCompletableFuture().join();
  }

  /** What nobody has asked for yet goes before memory is used twice. */
  private void makeRoom(int rows) {
    if (!survey.isEmpty()) {
      long waiting = survey.positions(kept.now());
      if (waiting > 0 && waiting + held.positions() + rows > kvTokens) {
        survey.clear();
        held.forget();
        send(StageFrames.SESSION_CLOSE, begin());
      }
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

  private synchronized void begin(Batch batch) {
    computing = true;
    if (held.replays(batch.slices())) {
      watch.replays(steps, batch.rows(), clock.getAsLong());
    } else {
      watch.began(steps, batch.rows(), batch.decodes(), clock.getAsLong());
    }
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
    if (held.keeps()) {
      driver.execute(() -> held.expire(kept.now()));
    }
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

  /**
   * A stage is there, or answers how far it is.
   *
   * @param stepsPassed so many steps have left it
   * @param reports what it has kept, as it says when it is set up
   */
  void stands(String peer, int stepsPassed, List<KeptSession.Report> reports) {
    boolean all;
    survey.add(ring.index(peer), reports, kept.now());
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
      outputs.set(i, sampling.deliver(step, outputs.get(i), untold.get(i)));
    }
    end(done); // not before: should the above fail, what breaks the ring ends the step
    done.outputs().complete(outputs);
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
      leaves = !sessions.isEmpty();
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
    leave();
    onClose.run();
  }

  /** Whether it is broken and its sessions have not all ended, which they do soon. */
  synchronized boolean isLeaving() {
    return leaves && !left.isDone();
  }

  /** Completes when the first stage is nothing of this any more. */
  CompletableFuture<Void> left() {
    return left;
  }

  /** Nothing is computed here any more; the next ring may go on with what there is. */
  private void leave() {
    if (!left.isDone()) {
      kept.add(held.leaveAll(kept.until()));
      left.complete(null);
    }
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
      sampling.begin(id, tokens, spec, caller, here, steps);
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
        held.leave(id, kept.until());
      } else {
        held.close(id);
        RingReplica.this.begin().i64(id);
        send(StageFrames.SESSION_CLOSE, control);
      }
      if (over && none) {
        leave();
      }
    }
  }

  @Override
  public String toString() {
    return "ring " + Long.toHexString(ring.id()) + " of " + ring.stages();
  }
}

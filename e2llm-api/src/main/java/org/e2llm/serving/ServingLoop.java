package org.e2llm.serving;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.ClosedException;
import org.e2llm.E2llmException;
import org.e2llm.FinishReason;
import org.e2llm.Generation;
import org.e2llm.GenerationResult;
import org.e2llm.Scorer;
import org.e2llm.ServingStats;
import org.e2llm.StageFailedException;
import org.e2llm.StageLostException;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Replica;
import org.e2llm.pipeline.SliceOutput;
import org.e2llm.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Drives the policies for a live replica: one daemon thread that has requests begin, forms batches,
 * computes and passes tokens on. Between two batches it carries out what other threads asked for.
 *
 * <p>Thread-safe. A lock guards the queue and what is handed to the thread; it is never held while
 * a batch is computed or code of the app runs.
 */
public final class ServingLoop implements GenerationService {
  static final String THREAD_NAME = "e2llm-serving";

  private static final Logger LOG = Logger.getLogger(ServingLoop.class.getName());

  /** A session's caller raises its epoch when it recovers; on one device it never does. */
  static final int EPOCH = 0;

  private final Replica replica;
  private final ModelSpec model;
  private final Tokenizer tokenizer;
  private final Runnable onClosed;
  private final Delivery delivery = new Delivery();
  private final Thread thread;
  private final LongSupplier clock;

  private final Inbox inbox;

  // Belonging to the serving thread.
  private final BatchScheduler scheduler;
  private final LiveSessions live;
  private final int[] batchTokens;
  private final ArrayDeque<LiveStep> spare = new ArrayDeque<>();
  private LiveStep next = new LiveStep();
  private int underWay;
  private long lastLanded;

  private final Map<Long, ServingScorer> scorers = new ConcurrentHashMap<>();
  private volatile long allocatedBytes;
  private volatile @Nullable StageLostException lost;

  /**
   * Starts the thread.
   *
   * @param replica taken over; closed by this
   * @param limits what sessions may have here
   * @param onClosed runs on the serving thread after the replica was closed
   */
  public ServingLoop(
      Replica replica, ModelSpec model, Tokenizer tokenizer, HostLimits limits, Runnable onClosed) {
    this(
        replica,
        model,
        tokenizer,
        limits,
        new MeasuredEstimates(replica.maxRows(), replica.lanes(), limits),
        since(),
        onClosed);
  }

  /**
   * With what it reckons with, and the time.
   *
   * @param clock nanoseconds since any fixed moment, above 0
   */
  ServingLoop(
      Replica replica,
      ModelSpec model,
      Tokenizer tokenizer,
      HostLimits limits,
      HostEstimates estimates,
      LongSupplier clock,
      Runnable onClosed) {
    this.replica = replica;
    this.model = model;
    this.tokenizer = tokenizer;
    this.clock = clock;
    this.inbox = new Inbox(limits, estimates, clock);
    this.onClosed = onClosed;
    this.scheduler = new BatchScheduler(estimates.limits(0));
    this.live = new LiveSessions(replica, scheduler, inbox, limits.contextLength(), clock);
    this.batchTokens = new int[replica.maxRows()];
    this.thread = new Thread(this::serve, THREAD_NAME);
    thread.setDaemon(true);
    thread.start();
    // A session that is paused has no step under way whose failure would end it.
    replica.lost().thenAccept(this::lost);
  }

  private static LongSupplier since() {
    long origin = System.nanoTime();
    return () -> System.nanoTime() - origin + 1;
  }

  // What other threads ask for.

  @Override
  public Generation submit(Submission submission) {
    return submit(submission, null, null);
  }

  @Override
  public Generation submit(Submission submission, KvSource source) {
    return submit(submission, source, null);
  }

  /**
   * Computes a prompt and samples nothing: its KV cache goes elsewhere. It is admitted and takes
   * its turns as any other; then it holds its memory until it is cancelled.
   *
   * @throws org.e2llm.CapacityException if it can never fit, or the queue is full
   * @throws ClosedException after {@link #close()}
   */
  public Generation prefill(Submission submission, KvTarget target) {
    return submit(submission, null, target);
  }

  private Generation submit(
      Submission submission, @Nullable KvSource source, @Nullable KvTarget target) {
    KvHold hold = submission.hold();
    long id = hold != null ? hold.id : inbox.newId();
    if (hold != null) {
      hold.sampled = submission.prompt().length;
    }
    long now = now();
    GenerationHandle handle =
        new GenerationHandle(delivery, ended -> cancel(id, ended), submission.onPrefill());
    GenerationRun run = new GenerationRun(id, submission, handle, tokenizer, now);
    run.source = source;
    run.target = target;
    inbox.offer(run, deadline(submission, now));
    return handle;
  }

  private static long deadline(Submission submission, long now) {
    if (submission.deadline() == null) {
      return HostQueue.NEVER;
    }
    // A century is as good as never, and does not overflow.
    long days = submission.deadline().toDays();
    return days > 36500 ? HostQueue.NEVER : now + submission.deadline().toNanos();
  }

  private void lost(StageLostException why) {
    lost = why;
    inbox.command(() -> live.failAll(why));
  }

  /** Null, or why nothing can be computed here any more: all that runs here ends. */
  @Override
  public @Nullable StageLostException lost() {
    return lost;
  }

  private void cancel(long id, GenerationHandle handle) {
    GenerationRun withdrawn = inbox.withdraw(id, handle);
    if (withdrawn != null) {
      GenerationResult result = withdrawn.result(FinishReason.CANCELLED, now());
      LiveSessions.complete(withdrawn, result, null);
    } else {
      inbox.command(() -> cancelNow(id, handle));
    }
  }

  @Override
  public KvHold hold() {
    return new KvHold(inbox.newId());
  }

  @Override
  public void release(KvHold hold) {
    inbox.command(() -> live.release(hold));
  }

  @Override
  public void received(KvHold hold, int tokens) {
    hold.received = tokens;
    inbox.command(() -> live.allow(hold));
  }

  @Override
  public Scorer scorer(int capacity) {
    long id = inbox.newId();
    inbox.claim(id, capacity);
    ServingScorer scorer = new ServingScorer(this, id, capacity);
    scorers.put(id, scorer);
    return scorer;
  }

  int maxRows() {
    return batchTokens.length;
  }

  int vocabularySize() {
    return replica.vocabularySize();
  }

  /** Gives a scorer's reservation back; on the serving thread. */
  void forget(long scorer) {
    scorers.remove(scorer);
    inbox.release(scorer);
  }

  /**
   * Something quick for the serving thread, which drives the replica, between two batches. Dropped
   * after {@link #close()}.
   */
  public void execute(Runnable work) {
    inbox.command(work);
  }

  /**
   * Runs {@code work} on the serving thread between two batches and waits for it, also through
   * interrupts (the flag is kept).
   */
  <T> T call(Function<Replica, T> work) {
    if (Thread.currentThread() == thread) {
      throw new IllegalStateException("the thread that computes cannot wait for itself");
    }
    ServingTask<T> task = new ServingTask<>(work);
    inbox.task(task);
    return task.await();
  }

  @Override
  public ServingStats stats() {
    return inbox.stats(allocatedBytes);
  }

  /**
   * Cancels everything and waits for the thread to release the replica, which takes no longer than
   * the batch in flight. An interrupt ends the waiting, not the closing; the flag is kept.
   */
  @Override
  public void close() {
    inbox.close();
    if (Thread.currentThread() != thread) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private long now() {
    return clock.getAsLong();
  }

  // The serving thread, in the order of a turn.

  private void serve() {
    Throwable failure = null;
    try {
      while (inbox.await(decide(), underWay < replica.stepsInFlight())) {
        turn();
      }
    } catch (Throwable e) { // a defect of ours: nobody may be left waiting
      LOG.log(Level.SEVERE, "the serving thread failed; the model is closed", e);
      failure = e;
    }
    shutDown(failure);
  }

  private void turn() {
    inbox.takeCommands().forEach(Runnable::run);
    publish();
    inbox.takeExpired().forEach(live::expire);
    inbox.takeEvicted().forEach(live::evict);
    ServingTask<?> task = inbox.takeTask();
    if (task != null) {
      task.run(replica);
    }
    begin();
    step();
    publish();
  }

  private void cancelNow(long id, GenerationHandle handle) {
    GenerationRun run = live.get(id);
    if (run != null && run.handle == handle) {
      live.end(run, FinishReason.CANCELLED);
    }
  }

  /** As many as the next batch has room for, if there can be one now. */
  private void begin() {
    if (underWay >= replica.stepsInFlight()) {
      return;
    }
    for (Inbox.Begins one = nextOne(); one != null; one = nextOne()) {
      one.evicted().forEach(live::evict);
      live.start(one.run(), one.yields());
    }
    scheduler.limit(inbox.limits(scheduler.decoding()));
  }

  private Inbox.@Nullable Begins nextOne() {
    boolean wants = scheduler.wantsPrompt();
    return wants || scheduler.wantsPromptInTime() ? inbox.begin(!wants) : null;
  }

  /** Whether there is a batch that can start now; it is {@link #next} then. */
  private boolean decide() {
    if (scheduler.isEmpty() || underWay >= replica.stepsInFlight()) {
      return false;
    }
    inbox.goOn(scheduler);
    scheduler.decide(next.decision);
    return next.decision.size() > 0;
  }

  private void step() {
    if (!decide()) {
      return;
    }
    LiveStep step = next;
    next = spare.isEmpty() ? new LiveStep() : spare.pop();
    BatchScheduler.Decision decision = step.decision;
    inbox.launched(decision);
    step.launched(now());
    CompletableFuture<List<SliceOutput>> outputs;
    try {
      outputs = replica.step(batch(decision)).toCompletableFuture();
    } catch (Throwable e) {
      outputs = CompletableFuture.failedFuture(e);
    }
    scheduler.launch(decision);
    underWay++;
    for (int i = 0; i < decision.size(); i++) {
      live.advanced(decision.session(i));
    }
    if (outputs.isDone()) {
      land(step, outputs);
    } else {
      CompletableFuture<List<SliceOutput>> pending = outputs;
      // What follows runs on the serving thread; who completes the step only hands it over.
      outputs.whenComplete((done, error) -> inbox.command(() -> land(step, pending)));
    }
  }

  /** A step has ended. */
  private void land(LiveStep step, CompletableFuture<List<SliceOutput>> ended) {
    BatchScheduler.Decision decision = step.decision;
    underWay--;
    try {
      List<SliceOutput> outputs = join(ended);
      if (outputs.size() != decision.size()) {
        throw new E2llmException(outputs.size() + " outputs for " + decision.size() + " slices");
      }
      long landed = now();
      step.landed(landed, lastLanded, inbox);
      lastLanded = landed;
      scheduler.land(decision, 1);
      for (int i = 0; i < outputs.size(); i++) {
        if (decision.stands(i)) {
          accept(decision, i, outputs.get(i));
        }
      }
      inbox.landed(decision, scheduler);
    } catch (Throwable e) { // a stage failed: that ends the sessions of the batch, not the others
      for (int i = 0; i < decision.size(); i++) {
        GenerationRun run = decision.stands(i) ? live.get(decision.session(i)) : null;
        if (run != null) {
          live.fail(run, LiveSessions.stageFailed(e));
        }
      }
      scheduler.land(decision, 1);
    }
    spare.push(step);
  }

  private Batch batch(BatchScheduler.Decision decision) {
    List<Batch.Slice> slices = new ArrayList<>(decision.size());
    int row = 0;
    for (int i = 0; i < decision.size(); i++) {
      long session = decision.session(i);
      int start = decision.start(i);
      int length = decision.length(i);
      GenerationRun run = live.get(session);
      if (run == null) {
        throw new IllegalStateException("session " + session + " is scheduled, not running");
      }
      run.tokens().copyTo(start, length, batchTokens, row);
      boolean samples = decision.samples(i) && run.target == null;
      Batch.Logits logits = samples ? Batch.Logits.LAST : Batch.Logits.NONE;
      slices.add(new Batch.Slice(session, EPOCH, start, length, logits));
      row += length;
    }
    return Batch.ofTokens(slices, batchTokens);
  }

  /** Takes a batch through a replica and waits for it. */
  static List<SliceOutput> compute(Replica replica, Batch batch) throws Throwable {
    return join(replica.step(batch).toCompletableFuture());
  }

  private static <T> T join(CompletableFuture<T> ended) throws Throwable {
    try {
      return ended.join();
    } catch (CompletionException e) {
      throw e.getCause() == null ? e : e.getCause();
    }
  }

  private void accept(BatchScheduler.Decision decision, int item, SliceOutput output) {
    GenerationRun run = live.get(decision.session(item));
    if (run == null) {
      return;
    }
    try {
      accept(run, decision, item, output);
    } catch (RuntimeException e) { // such as a tokenizer that does not know the token
      live.fail(run, new StageFailedException("a sampled token could not be taken: " + e, e));
    }
  }

  private void accept(
      GenerationRun run, BatchScheduler.Decision decision, int item, SliceOutput output) {
    if (decision.start(item) < run.submission.prompt().length) {
      run.prefilled(decision.start(item) + decision.length(item));
    }
    E2llmException error = output.error();
    if (error != null) {
      live.fail(run, error);
    } else if (run.target != null) {
      if (decision.samples(item)) {
        live.computed(run);
      }
    } else if (output.token() != null) {
      boolean last = model.isEndOfGeneration(output.token().token());
      FinishReason reason = run.accept(output.token(), last, now());
      KvHold hold = run.submission.hold();
      if (hold != null) {
        hold.sampled = run.tokens().size();
      }
      if (reason != null) {
        live.end(run, reason);
      } else if (item >= decision.decodeRows()) {
        inbox.prefilled(run.id);
      }
    } else if (decision.samples(item)) {
      live.fail(run, new StageFailedException("the replica sampled no token", null));
    }
  }

  /** Counts memory, then tells whoever waits: what they read of it afterwards is true. */
  private void publish() {
    long bytes = live.allocatedBytes();
    for (ServingScorer scorer : scorers.values()) {
      bytes += scorer.allocatedBytes();
    }
    allocatedBytes = bytes;
    live.tell();
  }

  private void shutDown(@Nullable Throwable failure) {
    live.endAll(inbox.drainRuns(), failure);
    List.copyOf(scorers.keySet()).forEach(this::forget);
    LiveSessions.closeQuietly(replica);
    LiveSessions.closeQuietly(onClosed::run);
    for (ServingTask<?> task = inbox.takeTask(); task != null; task = inbox.takeTask()) {
      task.refuse(new ClosedException("the model was closed"));
    }
    publish();
  }
}

package org.e2llm.serving;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.ClosedException;
import org.e2llm.DeadlineExceededException;
import org.e2llm.E2llmException;
import org.e2llm.FinishReason;
import org.e2llm.Generation;
import org.e2llm.GenerationResult;
import org.e2llm.InvalidRequestException;
import org.e2llm.Scorer;
import org.e2llm.ServingStats;
import org.e2llm.StageFailedException;
import org.e2llm.model.ModelSpec;
import org.e2llm.text.Sampled;
import org.e2llm.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * The generations of this app where a cluster computes them: keeps every session's log of tokens,
 * makes text of them, and starts sessions again as {@link Recovery} says.
 *
 * <p>Thread-safe. Everything happens on one daemon thread, {@value #THREAD_NAME}; events and
 * requests only hand over.
 */
public final class CallerSessions implements GenerationService {
  static final String THREAD_NAME = "e2llm-sessions";

  /** The host is told after so many tokens at the latest, long before it would pause. */
  private static final int ACKNOWLEDGED_EVERY = GenerationService.MOST_AHEAD / 4;

  private static final Logger LOG = Logger.getLogger(CallerSessions.class.getName());

  private final SessionHosts hosts;
  private final ModelSpec model;
  private final Tokenizer tokenizer;
  private final Supplier<@Nullable GenerationService> local;
  private final Delivery delivery = new Delivery();
  private final ScheduledThreadPoolExecutor thread;
  private final long origin = System.nanoTime();
  private volatile boolean closed;
  private volatile ServingStats stats = new ServingStats(0, 0, 0, 0, 0);

  // Belonging to the thread.
  private final Recovery recovery;
  private final Silence silence = new Silence();
  private final WaitingSessions waiting = new WaitingSessions();
  private final Map<Long, GenerationRun> runs = new LinkedHashMap<>();
  private final CallerRoutes routes;
  private final CallerHolds holds;
  private @Nullable ScheduledFuture<?> nextTick;
  private long nextTickAt = Recovery.NEVER;

  /**
   * The last number of a session or hold. A device that comes back must not take tokens for
   * sessions it had before.
   */
  private final AtomicLong lastId = new AtomicLong(new SecureRandom().nextLong() >>> 1);

  /**
   * Starts without a host: sessions wait until {@link #hosts} names one.
   *
   * @param local serves on this device if it hosts a first stage, else gives null
   * @param patience nanoseconds, see {@link Recovery}
   */
  public CallerSessions(
      SessionHosts hosts,
      ModelSpec model,
      Tokenizer tokenizer,
      Supplier<@Nullable GenerationService> local,
      long patience) {
    this.recovery = new Recovery(patience);
    this.routes = new CallerRoutes(hosts.self(), runs, recovery, waiting);
    recovery.router(routes::host);
    this.hosts = hosts;
    this.holds = new CallerHolds(hosts);
    this.model = model;
    this.tokenizer = tokenizer;
    this.local = local;
    this.thread =
        new ScheduledThreadPoolExecutor(
            1,
            work -> {
              Thread started = new Thread(work, THREAD_NAME);
              started.setDaemon(true);
              return started;
            });
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    thread.setRemoveOnCancelPolicy(true);
  }

  // What the app asks for.

  @Override
  public Generation submit(Submission submission) {
    requireOpen();
    long id = lastId.incrementAndGet();
    GenerationHandle handle =
        new GenerationHandle(delivery, ended -> run(() -> cancel(id)), submission.onPrefill());
    GenerationRun made = new GenerationRun(id, submission, handle, tokenizer, now());
    if (!run(
        () -> {
          runs.put(id, made);
          recovery.add(id, routes.boundTo(submission), now());
        })) {
      throw new ClosedException("the model was closed");
    }
    return handle;
  }

  private void cancel(long id) {
    GenerationRun run = runs.get(id);
    if (run != null) {
      end(run, FinishReason.CANCELLED);
    }
  }

  /** What it holds lies on the host of its last turn; if that is lost, the next turn fills it. */
  @Override
  public KvHold hold() {
    requireOpen();
    return new KvHold(lastId.incrementAndGet());
  }

  @Override
  public void release(KvHold hold) {
    run(() -> holds.release(hold));
  }

  @Override
  public Scorer scorer(int capacity) {
    requireOpen();
    GenerationService here = local.get();
    if (here == null) {
      throw new InvalidRequestException(
          "a scorer needs a first stage on this device, and the plan in force gives it none");
    }
    return here.scorer(capacity);
  }

  @Override
  public ServingStats stats() {
    return stats;
  }

  @Override
  public void close() {
    closed = true;
    run(
        () -> {
          List.copyOf(runs.values()).forEach(run -> end(run, FinishReason.CANCELLED));
          holds.dropAll();
        });
    thread.shutdown();
    try {
      if (Thread.currentThread().isInterrupted() || !thread.awaitTermination(5, TimeUnit.SECONDS)) {
        LOG.log(Level.FINE, "sessions are still being closed");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new ClosedException("the model was closed");
    }
  }

  // What happens in the cluster.

  /**
   * See {@link Recovery#hosts}.
   *
   * @param choice among them, and of who computes prompts; null for the host with the fewest
   */
  public void hosts(List<String> firstStages, @Nullable SessionRouter choice) {
    hosts(firstStages, choice, false);
  }

  /**
   * As above.
   *
   * @param anotherPlan whether they are of another one than before: then those that wait are placed
   *     anew, also where their host stays the same
   */
  public void hosts(List<String> firstStages, @Nullable SessionRouter choice, boolean anotherPlan) {
    run(
        () -> {
          List<Long> again = new ArrayList<>(anotherPlan ? waiting.all() : List.of());
          again.removeIf(id -> recovery.host(id) == null); // they are placed in any case
          routes.router(choice);
          recovery.hosts(firstStages, now());
          again.forEach(recovery::placeAgain);
        });
  }

  /** See {@link Recovery#impossible}. */
  public void impossible(Supplier<? extends E2llmException> why) {
    run(() -> recovery.impossible(why, now()));
  }

  /** See {@link Recovery#possible}. */
  public void possible() {
    run(recovery::possible);
  }

  /** See {@link Recovery#lost}. */
  public void lost(String peer) {
    run(
        () -> {
          holds.lost(peer);
          recovery.lost(peer, now());
        });
  }

  /**
   * The session has begun, or a chunk of its prompt was computed, up to {@code position}.
   *
   * @param cached tokens of it that the host held already
   */
  public void prefilled(long session, int epoch, int position, int cached) {
    run(
        () -> {
          GenerationRun run = present(session, epoch);
          if (run != null) {
            run.found(cached);
            waiting.remove(session);
            silence.heard(session, now());
          }
          // After a recovery the answer so far is fed too: the app has been told all of its prompt.
          if (run != null && position > cached && position <= run.submission.prompt().length) {
            run.prefilled(position);
          }
        });
  }

  /** A token was sampled. One that comes twice, or of an older epoch, is dropped. */
  public void sampled(long session, int epoch, int position, Sampled token) {
    run(() -> take(session, epoch, position, token));
  }

  private void take(long session, int epoch, int position, Sampled token) {
    GenerationRun run = present(session, epoch);
    if (run == null || position < run.tokens().size()) {
      return;
    }
    if (position > run.tokens().size()) {
      recovery.interrupted(session, epoch, "a token was missed", now());
      return;
    }
    recovery.progressed(session);
    waiting.remove(session);
    silence.token(session, now());
    run.underWay = true;
    FinishReason reason;
    try {
      reason = run.accept(token, model.isEndOfGeneration(token.token()), now());
    } catch (RuntimeException e) { // such as a tokenizer that does not know the token
      fail(run, new StageFailedException("a sampled token could not be taken: " + e, e));
      return;
    }
    if (reason != null) {
      end(run, reason);
    } else {
      acknowledge(run, epoch);
    }
  }

  private void acknowledge(GenerationRun run, int epoch) {
    String host = recovery.host(run.id);
    int size = run.tokens().size();
    if (host != null && size - run.acknowledged >= ACKNOWLEDGED_EVERY) {
      run.acknowledged = size;
      hosts.received(host, run.id, epoch, size);
    }
  }

  /**
   * The host has sampled all that was asked for: the session has {@code size} tokens. Those that
   * still are under way come from another device; if they do not come, they are lost.
   */
  public void finished(long session, int epoch, int size) {
    run(
        () -> {
          GenerationRun run = present(session, epoch);
          if (run != null && run.tokens().size() < size) {
            silence.owed(session, true, now());
          }
        });
  }

  /**
   * The host was asked: the session goes on there, or waits for its turn.
   *
   * @param size tokens that it has now, prompt included
   */
  public void goesOn(long session, int epoch, int size) {
    run(
        () -> {
          GenerationRun run = present(session, epoch);
          if (run != null && run.tokens().size() < size) {
            silence.owed(session, false, now());
          } else if (run != null) {
            silence.heard(session, now());
          }
        });
  }

  /** A session's run broke off; it is started again. */
  public void interrupted(long session, int epoch, String reason) {
    run(() -> recovery.interrupted(session, epoch, reason, now()));
  }

  /** A session cannot be computed, wherever it is tried. */
  public void failed(long session, int epoch, E2llmException error) {
    run(
        () -> {
          GenerationRun run = present(session, epoch);
          if (run != null) {
            fail(run, error);
          }
        });
  }

  private @Nullable GenerationRun present(long session, int epoch) {
    return recovery.accepts(session, epoch) ? runs.get(session) : null;
  }

  // The thread.

  private boolean run(Runnable event) {
    try {
      thread.execute(guarded(event));
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  private Runnable guarded(Runnable event) {
    return () -> {
      try {
        event.run();
        apply();
      } catch (RuntimeException | Error e) { // a defect of ours: others go on
        LOG.log(Level.SEVERE, "an event of a session failed", e);
      }
    };
  }

  /** Carries out what recovery has decided, which may bring on more. */
  private void apply() {
    long now = now();
    if (silence.next() <= now) {
      silence.due(now).forEach(this::breakSilence);
    }
    if (waiting.next() <= now) {
      waiting.due(now).forEach(this::seekBetterHost);
    }
    long next = expire(now);
    for (List<Recovery.Effect> effects = recovery.takeEffects();
        !effects.isEmpty();
        effects = recovery.takeEffects()) {
      effects.forEach(this::apply);
    }
    stats = count();
    next = Math.min(Math.min(next, recovery.nextTick()), Math.min(silence.next(), waiting.next()));
    tickAt(next, now);
  }

  /** A tick that comes too early does nothing: with a token it need not be moved. */
  private void tickAt(long next, long now) {
    ScheduledFuture<?> before = nextTick;
    if (next >= nextTickAt || thread.isShutdown()) {
      return;
    }
    if (before != null) {
      before.cancel(false);
    }
    nextTickAt = next;
    Runnable tick =
        () -> {
          nextTickAt = Recovery.NEVER;
          recovery.tick(now());
        };
    nextTick = thread.schedule(guarded(tick), Math.max(1, next - now), TimeUnit.NANOSECONDS);
  }

  /** Nothing was heard of a session. */
  private void breakSilence(Silence.Due due) {
    GenerationRun run = present(due.session(), due.epoch());
    String host = recovery.host(due.session());
    if (run == null || host == null) {
      silence.ended(due.session()); // it waits for a host
    } else if (due.reason() == null) {
      run.acknowledged = run.tokens().size();
      hosts.ask(host, due.session(), due.epoch(), run.acknowledged);
    } else {
      recovery.interrupted(due.session(), due.epoch(), due.reason(), now());
    }
  }

  /** A session waits at its host: another one may begin it now. */
  private void seekBetterHost(long id) {
    String better = routes.betterHost(id);
    if (better != null) {
      LOG.log(
          Level.CONFIG,
          "session {0} waits on {1} no longer: it goes to {2}",
          new Object[] {Long.toHexString(id), recovery.host(id), better});
      recovery.move(id, better);
    }
  }

  /** Ends what has waited here for a host beyond its deadline; gives when the next one has. */
  private long expire(long now) {
    if (recovery.suspended() == 0) {
      return Recovery.NEVER;
    }
    long next = Recovery.NEVER;
    for (GenerationRun run : List.copyOf(runs.values())) {
      Duration left = run.underWay ? null : run.timeLeft(now);
      if (left == null || recovery.host(run.id) != null) {
        continue; // the host sees to it
      }
      if (left.isZero()) {
        fail(
            run,
            new DeadlineExceededException(
                "the request waited for a device longer than its deadline of "
                    + run.submission.deadline()
                    + " and was not started"));
      } else {
        next = Math.min(next, now + left.toNanos());
      }
    }
    return next;
  }

  private void apply(Recovery.Effect effect) {
    if (effect instanceof Recovery.Start start) {
      start(start);
    } else if (effect instanceof Recovery.Stop stop) {
      hosts.stop(stop.host(), stop.session(), stop.epoch());
    } else if (effect instanceof Recovery.Fail failure) {
      GenerationRun run = runs.get(failure.session());
      if (run != null) {
        fail(run, failure.why());
      }
    }
  }

  private void start(Recovery.Start start) {
    GenerationRun run = runs.get(start.session());
    if (run == null) {
      return;
    }
    run.started(0, now());
    int[] tokens = run.tokens().head(run.tokens().size());
    int left = run.mostTokens() - tokens.length;
    run.acknowledged = tokens.length;
    run.startedWith = tokens.length;
    routes.started(run, start.host());
    silence.started(start.session(), start.epoch(), now());
    if (!run.underWay && routes.boundTo(run.submission) == null) {
      waiting.add(run.id, now());
    }
    KvHold hold = run.submission.hold();
    Duration deadline = run.underWay ? null : run.timeLeft(now());
    if (start.epoch() > 0) {
      LOG.log(
          Level.CONFIG,
          "session {0} goes on at position {1} on {2}",
          new Object[] {Long.toHexString(start.session()), tokens.length, start.host()});
    }
    try {
      hosts.start(
          start.host(),
          new SessionHosts.Request(
              start.session(),
              start.epoch(),
              tokens,
              left,
              run.submission.sampling(),
              deadline,
              run.waited(now()),
              hold == null ? 0 : hold.id,
              run.promptHost));
    } catch (E2llmException e) {
      fail(run, e);
    }
  }

  private void end(GenerationRun run, FinishReason reason) {
    GenerationResult result = run.result(reason, now());
    String host = recovery.host(run.id);
    remove(run);
    if (host != null && !closed) {
      holds.ended(run, host);
    }
    LiveSessions.complete(run, result, null);
  }

  private void fail(GenerationRun run, E2llmException error) {
    String host = recovery.host(run.id);
    remove(run);
    holds.failed(run, host);
    LiveSessions.complete(run, null, error.withTextSoFar(run.text()));
  }

  private void remove(GenerationRun run) {
    runs.remove(run.id);
    silence.ended(run.id);
    waiting.remove(run.id);
    recovery.remove(run.id);
  }

  private ServingStats count() {
    GenerationService here = local.get();
    ServingStats hosted = here == null ? new ServingStats(0, 0, 0, 0, 0) : here.stats();
    return new ServingStats(
        runs.size(),
        recovery.suspended(),
        hosted.kvBudgetBytes(),
        hosted.kvReservedBytes(),
        hosted.kvAllocatedBytes());
  }

  private long now() {
    return System.nanoTime() - origin + 1;
  }
}

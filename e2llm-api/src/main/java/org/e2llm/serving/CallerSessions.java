package org.e2llm.serving;

import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.ClosedException;
import org.e2llm.E2llmException;
import org.e2llm.FinishReason;
import org.e2llm.Generation;
import org.e2llm.GenerationResult;
import org.e2llm.InvalidRequestException;
import org.e2llm.Scorer;
import org.e2llm.ServingStats;
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

  /** How long tokens may take from the last stage after the host has said that all are sampled. */
  private static final int LATE_TOKENS_SECONDS = 3;

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
  private final Recovery recovery = new Recovery();
  private final Map<Long, GenerationRun> runs = new LinkedHashMap<>();
  // A device that comes back must not take tokens for sessions it had before.
  private long lastId = new SecureRandom().nextLong() >>> 1;

  /**
   * Starts without a host: sessions wait until {@link #hosts} names one.
   *
   * @param local serves on this device if it hosts a first stage, else gives null
   */
  public CallerSessions(
      SessionHosts hosts,
      ModelSpec model,
      Tokenizer tokenizer,
      Supplier<@Nullable GenerationService> local) {
    this.hosts = hosts;
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
  }

  // What the app asks for.

  @Override
  public Generation submit(Submission submission) {
    requireOpen();
    Running running = new Running();
    GenerationHandle handle =
        new GenerationHandle(
            delivery, ended -> run(() -> cancel(running.id)), submission.onPrefill());
    long submitted = now();
    if (!run(
        () -> {
          running.id = ++lastId;
          runs.put(
              running.id, new GenerationRun(running.id, submission, handle, tokenizer, submitted));
          recovery.add(running.id, now());
        })) {
      throw new ClosedException("the model was closed");
    }
    return handle;
  }

  /** The number of a session, known once the thread has taken it in. */
  private static final class Running {
    long id;
  }

  private void cancel(long id) {
    GenerationRun run = runs.get(id);
    if (run != null) {
      end(run, FinishReason.CANCELLED);
    }
  }

  /** A conversation's turns are computed anew on whatever host they meet. */
  @Override
  public KvHold hold() {
    requireOpen();
    return new KvHold(0);
  }

  @Override
  public void release(KvHold hold) {
    hold.drop();
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
    run(() -> List.copyOf(runs.values()).forEach(run -> end(run, FinishReason.CANCELLED)));
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

  /** See {@link Recovery#hosts}. */
  public void hosts(List<String> firstStages) {
    run(() -> recovery.hosts(firstStages, now()));
  }

  /** See {@link Recovery#impossible}. */
  public void impossible(E2llmException why) {
    run(() -> recovery.impossible(why));
  }

  /** See {@link Recovery#lost}. */
  public void lost(String peer) {
    run(() -> recovery.lost(peer, now()));
  }

  /** A chunk of the prompt was computed, up to {@code position}. */
  public void prefilled(long session, int epoch, int position) {
    run(
        () -> {
          GenerationRun run = present(session, epoch);
          // After a recovery the answer so far is fed too: the app has been told all of its prompt.
          if (run != null && position <= run.submission.prompt().length) {
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
    FinishReason reason = run.accept(token, model.isEndOfGeneration(token.token()), now());
    if (reason != null) {
      end(run, reason);
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
          if (run != null && run.tokens().size() < size && !thread.isShutdown()) {
            thread.schedule(
                () -> interrupted(session, epoch, "the last tokens were lost"),
                LATE_TOKENS_SECONDS,
                TimeUnit.SECONDS);
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
      thread.execute(
          () -> {
            try {
              event.run();
              apply();
            } catch (RuntimeException | Error e) { // a defect of ours: others go on
              LOG.log(Level.SEVERE, "an event of a session failed", e);
            }
          });
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  /** Carries out what recovery has decided, which may bring on more. */
  private void apply() {
    for (List<Recovery.Effect> effects = recovery.takeEffects();
        !effects.isEmpty();
        effects = recovery.takeEffects()) {
      effects.forEach(this::apply);
    }
    stats = count();
    long next = recovery.nextTick();
    if (next != Recovery.NEVER && !thread.isShutdown()) {
      thread.schedule(
          () -> {
            recovery.tick(now());
            apply();
          },
          Math.max(1, next - now()),
          TimeUnit.NANOSECONDS);
    }
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
              start.session(), start.epoch(), tokens, left, run.submission.sampling()));
    } catch (E2llmException e) {
      fail(run, e);
    }
  }

  private void end(GenerationRun run, FinishReason reason) {
    GenerationResult result = run.result(reason, now());
    runs.remove(run.id);
    recovery.remove(run.id);
    LiveSessions.complete(run, result, null);
  }

  private void fail(GenerationRun run, E2llmException error) {
    runs.remove(run.id);
    recovery.remove(run.id);
    LiveSessions.complete(run, null, error.withTextSoFar(run.text()));
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

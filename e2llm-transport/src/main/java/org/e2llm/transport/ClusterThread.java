package org.e2llm.transport;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The daemon thread on which all that happens to a cluster peer happens, one event after the other,
 * with what follows from each, and its clock. An event that throws ends no other.
 */
final class ClusterThread {
  static final String NAME = "e2llm-cluster";

  private static final Logger LOG = Logger.getLogger(ClusterThread.class.getName());
  private static final long LONGEST_PAUSE = 100_000_000L;
  private static final long SHORTEST_PAUSE = 1_000_000L;

  /** What is done on it beside events. */
  interface Work {
    /** Time has passed: a tenth of a second at most since the last event. */
    void tick();

    /** After each event. */
    void carryOut();

    /** When {@link #tick} is to come at the latest, in nanoseconds of {@link #now}. */
    long nextTick();
  }

  private final ScheduledThreadPoolExecutor thread = Daemons.executor(NAME);
  private final long origin = System.nanoTime();
  private final Work work;
  private volatile boolean ending;
  private @Nullable ScheduledFuture<?> next;

  ClusterThread(Work work) {
    this.work = work;
  }

  /** Nanoseconds since this began. */
  long now() {
    return System.nanoTime() - origin;
  }

  /** The same moment as {@link System#nanoTime} has it. */
  long at(long nanoTime) {
    return nanoTime - origin;
  }

  /** Takes an event; from any thread. Nothing happens after the end. */
  void run(Runnable event) {
    try {
      thread.execute(() -> happen(event));
    } catch (RejectedExecutionException e) {
      LOG.log(Level.FINEST, "after the end", e);
    }
  }

  private void happen(Runnable event) {
    guarded(event);
    guarded(work::carryOut);
    if (!ending) {
      ScheduledFuture<?> before = next;
      if (before != null) {
        before.cancel(false);
      }
      long pause = Math.min(LONGEST_PAUSE, work.nextTick() - now());
      next =
          thread.schedule(
              () -> happen(work::tick), Math.max(SHORTEST_PAUSE, pause), TimeUnit.NANOSECONDS);
    }
  }

  /** Does something of which others are independent; on the thread. */
  static void guarded(Runnable work) {
    try {
      work.run();
    } catch (RejectedExecutionException e) {
      LOG.log(Level.FINE, "this peer closes", e);
    } catch (RuntimeException | Error e) { // a defect of ours: the others go on
      LOG.log(Level.SEVERE, "an event of the cluster failed", e);
    }
  }

  /**
   * Ends, after a last event. What belongs to the thread may be touched by another one from here
   * on. Waits some seconds at most.
   */
  void close(Runnable last) {
    ending = true;
    CompletableFuture<Void> done = new CompletableFuture<>();
    run(
        () -> {
          last.run();
          done.complete(null);
        });
    try {
      done.get(2, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      LOG.log(Level.FINE, "left without a good-bye", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    thread.shutdown();
    awaitEnd();
  }

  private void awaitEnd() {
    boolean interrupted = Thread.interrupted();
    try {
      if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
        LOG.log(Level.WARNING, "an event of the cluster has not ended 5 s after it was closed");
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

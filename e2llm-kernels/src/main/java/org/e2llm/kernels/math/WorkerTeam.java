package org.e2llm.kernels.math;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.e2llm.ClosedException;
import org.jspecify.annotations.Nullable;

/**
 * A fixed team of threads that do one task at a time together: who does what follows from the
 * worker's number alone, nothing is stolen or queued, nothing is allocated per run.
 *
 * <p>The caller is worker 0 and returns when all are done, so a run is a barrier too. Waiting spins
 * for some microseconds, the gap between two matrix products, and then parks; a team larger than
 * the machine parks at once. Threads are daemons.
 */
public final class WorkerTeam implements AutoCloseable {
  /** What the team does together. */
  @FunctionalInterface
  public interface Task {
    /**
     * The share of one worker.
     *
     * @param worker 0 (the caller's thread) to {@code workers - 1}
     */
    void run(int worker, int workers);
  }

  private static final int SPINS = 2_000;

  private final Worker[] helpers;
  private final int spins;
  private final AtomicInteger pending = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile int round;
  private volatile boolean closed;
  private volatile boolean callerParked;
  private @Nullable Task task;
  private @Nullable Thread caller;

  /**
   * @param workers at least 1, the caller included; see {@link Threads#defaultCount()}
   */
  public WorkerTeam(int workers) {
    if (workers < 1) {
      throw new IllegalArgumentException("workers: " + workers + ", at least 1 is needed");
    }
    spins = workers <= Runtime.getRuntime().availableProcessors() ? SPINS : 0;
    helpers = new Worker[workers - 1];
    for (int i = 0; i < helpers.length; i++) {
      helpers[i] = new Worker(i + 1);
    }
    for (Worker helper : helpers) {
      helper.start();
    }
  }

  /** Threads that compute, the caller included. */
  public int workers() {
    return helpers.length + 1;
  }

  /**
   * Runs the task on every worker and returns when all are done. Callers take turns.
   *
   * @throws ClosedException after {@link #close}
   * @throws IllegalStateException if a task runs a task
   * @throws RuntimeException what the first worker to fail threw (the others finish their shares);
   *     likewise {@link Error}
   */
  public void run(Task task) {
    if (Thread.currentThread() instanceof Worker worker && worker.team() == this) {
      throw new IllegalStateException("a task cannot run another task on its own team");
    }
    synchronized (this) {
      if (closed) {
        throw new ClosedException("the worker team is closed");
      }
      if (caller != null) {
        throw new IllegalStateException("a task cannot run another task on its own team");
      }
      caller = Thread.currentThread();
      try {
        runTogether(task);
      } finally {
        caller = null;
      }
    }
  }

  private void runTogether(Task task) {
    this.task = task;
    pending.set(helpers.length);
    round++;
    for (Worker helper : helpers) {
      helper.wake();
    }
    share(task, 0);
    awaitHelpers();
    this.task = null;
    Throwable thrown = failure.getAndSet(null);
    if (thrown instanceof RuntimeException exception) {
      throw exception;
    }
    if (thrown instanceof Error error) {
      throw error;
    }
  }

  /**
   * Throwables are kept until all are done: the task's data is in use as long as one worker runs.
   */
  private void share(Task task, int worker) {
    try {
      task.run(worker, workers());
    } catch (Throwable t) {
      failure.compareAndSet(null, t);
    }
  }

  private void awaitHelpers() {
    for (int i = 0; i < spins && pending.get() > 0; i++) {
      Thread.onSpinWait();
    }
    if (pending.get() == 0) {
      return;
    }
    boolean interrupted = false;
    callerParked = true;
    while (pending.get() > 0) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    callerParked = false;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends the threads once the run in progress, if any, is over. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      round++;
    }
    for (Worker helper : helpers) {
      helper.wake();
    }
  }

  /** Waits for the next round, does its share, reports. */
  private final class Worker extends Thread {
    private final int index;
    private volatile boolean parked;

    Worker(int index) {
      super("e2llm-worker-" + index);
      this.index = index;
      setDaemon(true);
    }

    WorkerTeam team() {
      return WorkerTeam.this;
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      for (int seen = 0; ; ) {
        seen = awaitRound(seen);
        Task shared = task;
        if (closed || shared == null) {
          return;
        }
        share(shared, index);
        Thread waiting = caller;
        if (pending.decrementAndGet() == 0 && callerParked) {
          LockSupport.unpark(waiting);
        }
      }
    }

    private int awaitRound(int seen) {
      for (int i = 0; i < spins && round == seen; i++) {
        Thread.onSpinWait();
      }
      if (round == seen) {
        parked = true;
        while (round == seen) {
          LockSupport.park(WorkerTeam.this);
          Thread.interrupted();
        }
        parked = false;
      }
      return round;
    }
  }
}

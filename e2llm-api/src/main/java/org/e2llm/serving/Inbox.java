package org.e2llm.serving;

import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.e2llm.ClosedException;
import org.e2llm.ServingStats;
import org.jspecify.annotations.Nullable;

/**
 * Where threads meet: admission, which callers ask and the serving thread carries out, and what
 * else callers hand to that thread. Thread-safe; its lock is held for moments only, never while
 * something is computed or code of the app runs.
 */
final class Inbox {
  /**
   * What admission decided, to be carried out in this order.
   *
   * @param expired waited too long
   * @param evicted holds that must free their KV cache
   * @param admitted start now
   */
  record Decided(List<GenerationRun> expired, List<Long> evicted, List<GenerationRun> admitted) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final LongSupplier clock;

  // Guarded by the lock.
  private final Admission admission;
  private final Map<Long, GenerationRun> waiting = new LinkedHashMap<>();
  private final List<GenerationRun> expired = new ArrayList<>();
  private final List<Long> evicted = new ArrayList<>();
  private final List<GenerationRun> admitted = new ArrayList<>();
  private final ArrayDeque<Runnable> commands = new ArrayDeque<>();
  private final ArrayDeque<ServingTask<?>> tasks = new ArrayDeque<>();

  /** A stage may have sessions of an earlier loop: theirs are other numbers. */
  private long lastId = new SecureRandom().nextLong() >>> 1;

  private boolean closing;

  Inbox(Admission admission, LongSupplier clock) {
    this.admission = admission;
    this.clock = clock;
  }

  // The side of callers.

  /** An id for a session that nobody has had. */
  long newId() {
    lock.lock();
    try {
      requireOpen();
      return ++lastId;
    } finally {
      lock.unlock();
    }
  }

  /** Queues a run, or throws what admission says. */
  void offer(GenerationRun run, long deadline) {
    lock.lock();
    try {
      requireOpen();
      // Whoever can start does so first: the queue limit counts those that cannot.
      poll();
      admission.offer(run.id, run.mostTokens(), deadline);
      waiting.put(run.id, run);
      poll();
      work.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Takes a run that still waits out of the queue; null if it does not wait. */
  @Nullable GenerationRun withdraw(long id, GenerationHandle handle) {
    lock.lock();
    try {
      GenerationRun run = waiting.get(id);
      if (run == null || run.handle != handle) {
        return null;
      }
      waiting.remove(id);
      admission.withdraw(id);
      work.signal();
      return run;
    } finally {
      lock.unlock();
    }
  }

  /** Reserves for a scorer, or throws what admission says. */
  void claim(long id, int tokens) {
    lock.lock();
    try {
      requireOpen();
      poll();
      evicted.addAll(admission.claim(id, tokens));
      work.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Something quick for the serving thread; dropped when closing, which does it all. */
  void command(Runnable command) {
    lock.lock();
    try {
      if (!closing) {
        commands.add(command);
        work.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Something for the serving thread that somebody waits for. */
  void task(ServingTask<?> task) {
    lock.lock();
    try {
      requireOpen();
      tasks.add(task);
      work.signal();
    } finally {
      lock.unlock();
    }
  }

  void close() {
    lock.lock();
    try {
      closing = true;
      work.signal();
    } finally {
      lock.unlock();
    }
  }

  ServingStats stats(long allocatedBytes) {
    lock.lock();
    try {
      return new ServingStats(
          admission.active(),
          admission.queued(),
          admission.budgetBytes(),
          admission.reservedBytes(),
          allocatedBytes);
    } finally {
      lock.unlock();
    }
  }

  private void requireOpen() {
    if (closing) {
      throw new ClosedException("the model was closed");
    }
  }

  /** Asks admission what follows now; the lock is held. */
  private void poll() {
    Admission.Decision decision = admission.poll(clock.getAsLong());
    evicted.addAll(decision.evicted());
    for (long id : decision.expired()) {
      GenerationRun run = waiting.remove(id);
      if (run != null) {
        expired.add(run);
      }
    }
    for (long id : decision.admitted()) {
      GenerationRun run = waiting.remove(id);
      if (run != null) {
        admitted.add(run);
      }
    }
  }

  // The side of the serving thread.

  /**
   * Waits until there is something to do.
   *
   * @param busy whether there is a batch to compute, so that it only looks
   * @return false when closing
   */
  boolean await(boolean busy) {
    lock.lock();
    try {
      for (; ; ) {
        poll();
        if (closing) {
          return false;
        }
        boolean handed = !commands.isEmpty() || !tasks.isEmpty();
        boolean decided = !expired.isEmpty() || !evicted.isEmpty() || !admitted.isEmpty();
        if (busy || handed || decided) {
          return true;
        }
        long deadline = admission.nextDeadline();
        if (deadline == Admission.NEVER) {
          work.awaitUninterruptibly();
        } else {
          awaitUntil(deadline);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private void awaitUntil(long deadline) {
    try {
      // Nobody waits for the result: the loop above looks at the clock and the queues again.
      long unused = work.awaitNanos(deadline - clock.getAsLong());
    } catch (InterruptedException e) {
      // Only code of the app, run by a logits processor, can have interrupted the serving thread;
      // it has no meaning here, and kept, it would make this wait spin.
      Thread.interrupted();
    }
  }

  List<Runnable> takeCommands() {
    lock.lock();
    try {
      List<Runnable> taken = new ArrayList<>(commands);
      commands.clear();
      return taken;
    } finally {
      lock.unlock();
    }
  }

  @Nullable ServingTask<?> takeTask() {
    lock.lock();
    try {
      return tasks.poll();
    } finally {
      lock.unlock();
    }
  }

  Decided takeDecided() {
    lock.lock();
    try {
      poll();
      Decided taken =
          new Decided(
              new ArrayList<>(expired), new ArrayList<>(evicted), new ArrayList<>(admitted));
      expired.clear();
      evicted.clear();
      admitted.clear();
      return taken;
    } finally {
      lock.unlock();
    }
  }

  /** Takes back a run that was admitted and has not started; null if there is none. */
  @Nullable GenerationRun takeAdmitted(GenerationHandle handle) {
    lock.lock();
    try {
      for (int i = 0; i < admitted.size(); i++) {
        if (admitted.get(i).handle == handle) {
          return admitted.remove(i);
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** See {@link Admission#idle}. */
  void idle(long id, int tokens) {
    lock.lock();
    try {
      admission.idle(id, tokens);
    } finally {
      lock.unlock();
    }
  }

  /** See {@link Admission#release}. */
  void release(long id) {
    lock.lock();
    try {
      admission.release(id);
    } finally {
      lock.unlock();
    }
  }

  /** Closes, and gives every run that has not started. */
  List<GenerationRun> drainRuns() {
    lock.lock();
    try {
      closing = true;
      List<GenerationRun> rest = new ArrayList<>(waiting.values());
      rest.addAll(expired);
      rest.addAll(admitted);
      waiting.clear();
      expired.clear();
      admitted.clear();
      commands.clear();
      return rest;
    } finally {
      lock.unlock();
    }
  }
}

package org.e2llm.serving;

import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.e2llm.ClosedException;
import org.e2llm.ServingStats;
import org.jspecify.annotations.Nullable;

/**
 * Where threads meet: the queue, into which callers put requests and out of which the serving
 * thread takes them, and what else callers hand to that thread. Thread-safe; its lock is held for
 * moments only, never while something is computed or code of the app runs.
 */
final class Inbox {
  /**
   * Somebody begins.
   *
   * @param yields whether its prompt lets those of others go first
   * @param evicted holds that must free their KV cache before
   */
  record Begins(GenerationRun run, boolean yields, List<Long> evicted) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final LongSupplier clock;

  // Guarded by the lock.
  private final HostQueue queue;
  private final HostEstimates estimates;
  private final Map<Long, GenerationRun> waiting = new LinkedHashMap<>();
  private final List<GenerationRun> expired = new ArrayList<>();

  /** Whether somebody may begin who could not when the serving thread asked last. */
  private boolean changed;

  private final ArrayDeque<Runnable> commands = new ArrayDeque<>();
  private final ArrayDeque<ServingTask<?>> tasks = new ArrayDeque<>();

  /** A stage may have sessions of an earlier loop: theirs are other numbers. */
  private long lastId = new SecureRandom().nextLong() >>> 1;

  private boolean closing;

  Inbox(HostLimits limits, HostEstimates estimates, LongSupplier clock) {
    this.queue = new HostQueue(limits, estimates);
    this.estimates = estimates;
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

  /** Queues a run, or throws what the queue says. */
  void offer(GenerationRun run, long deadline) {
    lock.lock();
    try {
      requireOpen();
      expire(); // they do not count for the limit of the queue
      queue.arrive(run.arrival(deadline), clock.getAsLong(), run.waitedElsewhere());
      waiting.put(run.id, run);
      change();
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
      queue.withdraw(id);
      change();
      return run;
    } finally {
      lock.unlock();
    }
  }

  /** Reserves for a scorer, past the queue, or throws what admission says. */
  void claim(long id, int tokens) {
    lock.lock();
    try {
      requireOpen();
      queue.admission().claim(id, tokens);
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
      Admission admission = queue.admission();
      return new ServingStats(
          admission.active(),
          queue.size(),
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

  /** Takes out whose deadline has passed; the lock is held. */
  private void expire() {
    for (long id : queue.expire(clock.getAsLong())) {
      GenerationRun run = waiting.remove(id);
      if (run != null) {
        expired.add(run);
        changed = true;
      }
    }
  }

  /** Who could not begin before perhaps can now; the lock is held. */
  private void change() {
    changed = true;
    work.signal();
  }

  // The side of the serving thread.

  /**
   * Waits until there is something to do.
   *
   * @param busy whether there is a batch to compute, so that it only looks
   * @param begins whether somebody could begin, if anybody may
   * @return false when closing
   */
  boolean await(boolean busy, boolean begins) {
    lock.lock();
    try {
      for (; ; ) {
        expire();
        if (closing) {
          return false;
        }
        boolean handed = !commands.isEmpty() || !tasks.isEmpty();
        boolean decided = !expired.isEmpty() || queue.admission().hasEvicted();
        if (busy || handed || decided || (begins && changed && queue.size() > 0)) {
          return true;
        }
        long look = queue.nextLook(clock.getAsLong());
        if (look == HostQueue.NEVER) {
          work.awaitUninterruptibly();
        } else {
          awaitUntil(look);
          changed |= clock.getAsLong() >= look;
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

  /** Those whose deadline has passed. */
  List<GenerationRun> takeExpired() {
    lock.lock();
    try {
      expire();
      List<GenerationRun> taken = List.copyOf(expired);
      expired.clear();
      return taken;
    } finally {
      lock.unlock();
    }
  }

  /** Holds that must free their KV cache. */
  List<Long> takeEvicted() {
    lock.lock();
    try {
      return queue.admission().takeEvicted();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Who begins now, or null; see {@link HostQueue#start}.
   *
   * @param inTimeOnly nobody who would let others go first
   */
  @Nullable Begins begin(boolean inTimeOnly) {
    lock.lock();
    try {
      changed = false;
      if (waiting.isEmpty()) {
        return null; // mostly: asked before every step
      }
      expire();
      Dispatcher.Start start = queue.start(clock.getAsLong(), inTimeOnly);
      if (start == null) {
        return null;
      }
      GenerationRun run = Objects.requireNonNull(waiting.remove(start.session()));
      return new Begins(run, start.yields(), queue.admission().takeEvicted());
    } finally {
      lock.unlock();
    }
  }

  /** Chunks of prompts entered the first stage. */
  void launched(BatchScheduler.Decision batch) {
    if (batch.decodeRows() == batch.size()) {
      return;
    }
    lock.lock();
    try {
      for (int i = batch.decodeRows(); i < batch.size(); i++) {
        queue.fed(batch.session(i), batch.length(i));
      }
    } finally {
      lock.unlock();
    }
  }

  /** See {@link HostEstimates#observed}. */
  void observed(int promptRows, int decodeRows, double latency, double occupancy) {
    lock.lock();
    try {
      if (estimates.observed(promptRows, decodeRows, latency, occupancy)) {
        queue.reckonAgain();
      }
    } finally {
      lock.unlock();
    }
  }

  /** See {@link HostEstimates#limits}. */
  BatchScheduler.Limits limits(int decoding) {
    lock.lock();
    try {
      return estimates.limits(decoding);
    } finally {
      lock.unlock();
    }
  }

  /** Tokens that one which has begun may hold. */
  int held(long id) {
    lock.lock();
    try {
      return queue.admission().held(id);
    } finally {
      lock.unlock();
    }
  }

  /** See {@link Dispatcher#scheduled}. */
  void scheduled(long id, BatchScheduler scheduler) {
    lock.lock();
    try {
      queue.scheduled(id, scheduler);
    } finally {
      lock.unlock();
    }
  }

  /** See {@link Dispatcher#landed}. */
  void landed(BatchScheduler.Decision batch, BatchScheduler scheduler) {
    lock.lock();
    try {
      queue.landed(batch, scheduler);
    } finally {
      lock.unlock();
    }
  }

  /** See {@link Dispatcher#goOn}. */
  void goOn(BatchScheduler scheduler) {
    lock.lock();
    try {
      queue.goOn(scheduler);
    } finally {
      lock.unlock();
    }
  }

  /** See {@link HostQueue#prefilled}. */
  void prefilled(long id) {
    lock.lock();
    try {
      queue.prefilled(id);
    } finally {
      lock.unlock();
    }
  }

  /** See {@link HostQueue#answered}. */
  void answered(int tokens) {
    lock.lock();
    try {
      queue.answered(tokens);
    } finally {
      lock.unlock();
    }
  }

  /** See {@link HostQueue#idle}. */
  void idle(long id, int tokens) {
    lock.lock();
    try {
      queue.idle(id, tokens);
      change();
    } finally {
      lock.unlock();
    }
  }

  /** See {@link HostQueue#release}. */
  void release(long id) {
    lock.lock();
    try {
      queue.release(id);
      change();
    } finally {
      lock.unlock();
    }
  }

  /** Closes, and gives every run that has not started. */
  List<GenerationRun> drainRuns() {
    lock.lock();
    try {
      closing = true;
      waiting.keySet().forEach(queue::withdraw);
      List<GenerationRun> rest = new ArrayList<>(waiting.values());
      rest.addAll(expired);
      waiting.clear();
      expired.clear();
      commands.clear();
      return rest;
    } finally {
      lock.unlock();
    }
  }
}

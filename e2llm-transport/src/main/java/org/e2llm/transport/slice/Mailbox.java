package org.e2llm.transport.slice;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What a thread is to do next, put in by others. Nothing is allocated per entry once warm. */
final class Mailbox {
  private final ArrayDeque<Runnable> work = new ArrayDeque<>();
  private boolean closed;

  /** False if it is closed: the work is not taken. */
  synchronized boolean put(Runnable next) {
    if (closed) {
      return false;
    }
    work.add(next);
    notifyAll();
    return true;
  }

  /** The next work; null if none came within {@code nanos}, or it is closed. */
  synchronized @Nullable Runnable take(long nanos) throws InterruptedException {
    if (work.isEmpty() && !closed && nanos > 0) {
      TimeUnit.NANOSECONDS.timedWait(this, nanos);
    }
    return work.poll();
  }

  synchronized boolean isClosed() {
    return closed;
  }

  /** Nothing is taken any more, and what waits is forgotten. */
  synchronized void close() {
    closed = true;
    work.clear();
    notifyAll();
  }
}

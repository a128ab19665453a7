package org.e2llm.transport.slice;

import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Waits for the end of threads of this package. */
final class Threads {
  private static final Logger LOG = Logger.getLogger(Threads.class.getName());
  private static final long PATIENCE = TimeUnit.SECONDS.toMillis(5);

  private Threads() {}

  /** Waits, at most some seconds, unless it is this very thread; false if it has not ended. */
  static boolean join(Thread thread) {
    if (thread == Thread.currentThread()) {
      return false;
    }
    try {
      thread.join(PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (thread.isAlive()) {
      LOG.log(Level.WARNING, "{0} waits for a disk and has not ended yet", thread.getName());
      return false;
    }
    return true;
  }
}

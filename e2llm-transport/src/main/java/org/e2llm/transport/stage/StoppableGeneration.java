package org.e2llm.transport.stage;

import org.e2llm.Generation;
import org.jspecify.annotations.Nullable;

/**
 * A generation that may have to end before it is known: whoever starts it gets it from a call that
 * takes a while, and others may want no more of it meanwhile. Thread-safe.
 */
final class StoppableGeneration {
  private @Nullable Generation generation;
  private boolean stopped;

  /** It runs; it is cancelled if nobody wants it any more. */
  void runs(Generation started) {
    boolean cancel;
    synchronized (this) {
      generation = started;
      cancel = stopped;
    }
    if (cancel) {
      started.cancel();
    }
  }

  /**
   * Nobody wants it any more; does nothing to one that has ended.
   *
   * @return whether that is new
   */
  boolean stop() {
    Generation started;
    synchronized (this) {
      if (stopped) {
        return false;
      }
      stopped = true;
      started = generation;
    }
    if (started != null) {
      started.cancel();
    }
    return true;
  }
}

package org.e2llm.samples.plan;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Work on a thread of its own, so that Ctrl-C need not wait for a long simulation to end. The
 * thread keeps no JVM alive.
 */
final class Background<T> {
  private final FutureTask<T> task;

  Background(Callable<T> work) {
    task = new FutureTask<>(work);
    Thread thread = new Thread(task, "plan");
    thread.setDaemon(true);
    thread.start();
  }

  /** Whoever waits is told at once. */
  void cancel() {
    task.cancel(false);
  }

  /**
   * Waits for the result.
   *
   * @throws java.util.concurrent.CancellationException if it was cancelled
   */
  T await() throws Exception {
    try {
      return task.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e;
    }
  }
}

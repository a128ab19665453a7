package org.e2llm.pipeline;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * How a thread that computes waits for what comes next: for a while it keeps its core busy, so that
 * it is awake and at full clock when that comes; then it is to sleep. Thread-safe.
 */
public final class Polling {
  /** Sleeps at once. */
  public static final Polling NONE = new Polling(Duration.ZERO);

  private final long nanos;

  /** For so long at most. */
  public Polling(Duration longest) {
    this.nanos = longest.toNanos();
  }

  /** Looks again and again, for as long as it may. */
  public void until(BooleanSupplier here) {
    if (nanos == 0) {
      return;
    }
    long begin = System.nanoTime();
    while (!here.getAsBoolean() && System.nanoTime() - begin < nanos) {
      Thread.onSpinWait();
    }
  }
}

package org.e2llm.transport.discovery;

import java.util.SplittableRandom;

/**
 * When to try again: pauses double from failure to failure up to a limit, and each is shortened by
 * a random part of up to half, so that peers that lost each other together do not all come back at
 * once. Pure: draws from a seed, has no clock. Not thread-safe.
 */
public final class RetrySchedule {
  private final long firstNanos;
  private final long mostNanos;
  private final SplittableRandom random;
  private long pauseNanos;

  /**
   * @param firstNanos longest pause after the first failure, above 0
   * @param mostNanos longest pause of all, at least {@code firstNanos}
   */
  public RetrySchedule(long firstNanos, long mostNanos, long seed) {
    if (firstNanos < 1 || mostNanos < firstNanos) {
      throw new IllegalArgumentException("pauses of " + firstNanos + " to " + mostNanos + " ns");
    }
    this.firstNanos = firstNanos;
    this.mostNanos = mostNanos;
    random = new SplittableRandom(seed);
    pauseNanos = firstNanos;
  }

  /** A try has failed: nanoseconds until the next. */
  public long failed() {
    long pause = pauseNanos;
    pauseNanos = pause > mostNanos / 2 ? mostNanos : 2 * pause;
    return pause - random.nextLong(pause / 2 + 1);
  }

  /** A try has succeeded: the next failure is the first again. */
  public void succeeded() {
    pauseNanos = firstNanos;
  }
}

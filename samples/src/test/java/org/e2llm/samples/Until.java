package org.e2llm.samples;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waits for what happens on other threads and in other processes. */
public final class Until {
  private Until() {}

  /** Until the condition holds; fails after half a minute. */
  public static void until(BooleanSupplier condition) {
    until(30, "something happens", condition);
  }

  /**
   * Until the condition holds.
   *
   * @param what for the message if it does not in time
   */
  public static void until(int seconds, String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited %d s until %s", seconds, what).isLessThan(end);
      pause(10);
    }
  }

  /** Lets time pass. */
  public static void pause(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}

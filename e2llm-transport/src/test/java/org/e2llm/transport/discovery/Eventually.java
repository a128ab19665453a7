package org.e2llm.transport.discovery;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waits for what another thread or process does; gives up loudly. */
final class Eventually {
  private static final long LIMIT = TimeUnit.SECONDS.toNanos(30);

  private Eventually() {}

  static void is(String what, BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + LIMIT;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("never happened: " + what);
      }
      Thread.sleep(20);
    }
  }
}

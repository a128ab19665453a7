package org.e2llm.transport.discovery;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what another thread or process does; gives up loudly. */
final class Eventually {
  private static final long LIMIT = TimeUnit.SECONDS.toNanos(30);

  private Eventually() {}

  static void is(String what, BooleanSupplier condition) throws InterruptedException {
    is(() -> what, condition);
  }

  static void is(Supplier<String> what, BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + LIMIT;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("never happened: " + what.get());
      }
      Thread.sleep(20);
    }
  }
}

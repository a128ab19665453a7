package org.e2llm.transport.slice;

/** So many bytes per second, and a quarter of a second's worth at once. Pure; one thread. */
final class RateLimit {
  private static final double SECOND = 1e9;

  private final double perNano;
  private final double burst;
  private double free;
  private long at;
  private boolean started;

  RateLimit(long bytesPerSecond) {
    perNano = bytesPerSecond / SECOND;
    burst = bytesPerSecond / 4.0;
    free = burst;
  }

  /** Whether anything may be taken; what is taken may be more than is free, and is waited for. */
  boolean allows(long now) {
    if (!started) {
      started = true;
      at = now;
    }
    free = Math.min(burst, free + (now - at) * perNano);
    at = now;
    return free > 0;
  }

  void take(long bytes) {
    free -= bytes;
  }
}

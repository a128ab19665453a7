package org.e2llm.transport.net;

/**
 * What a link carries, learnt from traffic: only stretches count in which more was queued than the
 * socket took, since otherwise the sender, not the link, sets the pace. Pure; net thread only.
 */
final class RateMeter {
  /** Shorter stretches say more about buffers than about the link. */
  private static final long MIN_NANOS = 20_000_000;

  /** What the socket's buffer swallows at the start is no work of the link. */
  private static final long MIN_BYTES = 1 << 20;

  /** Long stretches are cut, so that the rate follows. */
  private static final long MAX_NANOS = 500_000_000;

  private boolean busy;
  private long since;
  private long bytesAtStart;
  private double bytesPerSecond;

  /**
   * After each attempt to write.
   *
   * @param full the socket took less than there was
   * @param bytesSent in total so far
   */
  void wrote(boolean full, long bytesSent, long now) {
    if (busy && (!full || now - since >= MAX_NANOS)) {
      long nanos = now - since;
      long bytes = bytesSent - bytesAtStart;
      if (nanos >= MIN_NANOS && bytes >= MIN_BYTES) {
        double sample = bytes * 1e9 / nanos;
        bytesPerSecond =
            bytesPerSecond == 0 ? sample : bytesPerSecond + (sample - bytesPerSecond) / 4;
      }
      busy = false;
    }
    if (full && !busy) {
      busy = true;
      since = now;
      bytesAtStart = bytesSent;
    }
  }

  /** 0 as long as nothing is known. */
  double bytesPerSecond() {
    return bytesPerSecond;
  }
}

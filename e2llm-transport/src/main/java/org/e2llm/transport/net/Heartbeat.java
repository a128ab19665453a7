package org.e2llm.transport.net;

/**
 * When to ping, and what the pongs say about the time a round trip takes. Pure; net thread only.
 *
 * <p>Smoothed as TCP does it (RFC 6298): an eighth of each new sample. The shortest one is that of
 * the last one or two {@value #WINDOW} samples, so that it follows a path that got longer.
 */
final class Heartbeat {
  /** Pings that may be under way; a pong to an older one is no sample. */
  private static final int REMEMBERED = 16;

  private static final int WINDOW = 60;

  private final long interval;
  private final long[] sentAt = new long[REMEMBERED];
  private long pings;
  private long nextAt;
  private long smoothed;
  private long shortest;
  private long shortestBefore;
  private int samples;

  /** The first ping is due at once. */
  Heartbeat(long intervalNanos, long now) {
    this.interval = intervalNanos;
    this.nextAt = now;
  }

  /** Nanoseconds until the next ping is due; 0 or less if it is. */
  long dueIn(long now) {
    return nextAt - now;
  }

  /** Notes a ping; the number it carries. */
  long ping(long now) {
    nextAt = now + interval;
    sentAt[(int) (pings % REMEMBERED)] = now;
    return pings++;
  }

  /**
   * Notes a pong.
   *
   * @param number what it carries; anything the other side likes
   * @return the round trip in nanoseconds, or -1 if there was no such ping lately
   */
  long pong(long number, long now) {
    if (number < 0 || number >= pings || number < pings - REMEMBERED) {
      return -1;
    }
    long rtt = Math.max(1, now - sentAt[(int) (number % REMEMBERED)]);
    smoothed = smoothed == 0 ? rtt : smoothed + (rtt - smoothed) / 8;
    if (++samples > WINDOW) {
      shortestBefore = shortest;
      shortest = rtt;
      samples = 1;
    }
    shortest = shortest == 0 ? rtt : Math.min(shortest, rtt);
    return rtt;
  }

  long smoothedNanos() {
    return smoothed;
  }

  long shortestNanos() {
    return shortestBefore == 0 ? shortest : Math.min(shortest, shortestBefore);
  }
}

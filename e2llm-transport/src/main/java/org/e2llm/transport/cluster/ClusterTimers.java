package org.e2llm.transport.cluster;

import org.e2llm.InvalidRequestException;

/**
 * How long a peer waits for what, in nanoseconds.
 *
 * @param silence after which a peer is lost; heartbeats come every half second
 * @param reconnect how long a broken connection may take to come back before its peer is lost
 * @param digest pause between two comparisons of records with one other peer
 * @param settle how long those who are there must stay the same before a plan is asked for
 * @param meeting the same where two coordinators have met: one of their plans is certainly too
 *     small
 * @param longestSettle after which a plan is asked for though peers still come and go
 * @param ask how long a plan asked for may take to arrive before another peer is asked
 * @param firstRedial pause before a peer that could not be reached is tried again; it doubles
 * @param longestRedial the longest such pause
 * @param memory how long the addresses of an absent peer are kept and tried
 */
public record ClusterTimers(
    long silence,
    long reconnect,
    long digest,
    long settle,
    long meeting,
    long longestSettle,
    long ask,
    long firstRedial,
    long longestRedial,
    long memory) {
  private static final long MILLISECOND = 1_000_000L;

  public static final ClusterTimers DEFAULT =
      new ClusterTimers(
          4_000 * MILLISECOND,
          1_000 * MILLISECOND,
          1_000 * MILLISECOND,
          2_000 * MILLISECOND,
          300 * MILLISECOND,
          10_000 * MILLISECOND,
          500 * MILLISECOND,
          250 * MILLISECOND,
          5_000 * MILLISECOND,
          3_600_000 * MILLISECOND);

  public ClusterTimers {
    long shortest = silence;
    for (long time :
        new long[] {
          reconnect, digest, settle, meeting, longestSettle, ask, firstRedial, longestRedial, memory
        }) {
      shortest = Math.min(shortest, time);
    }
    if (shortest <= 0) {
      throw new InvalidRequestException("a timer is " + shortest + " ns, expected is more than 0");
    }
  }
}

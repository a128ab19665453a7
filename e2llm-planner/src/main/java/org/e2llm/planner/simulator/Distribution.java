package org.e2llm.planner.simulator;

import java.util.Arrays;

/**
 * What many values come to. All NaN if there is none.
 *
 * @param count values
 * @param mean of them
 * @param p50 half of the values are at most this (nearest rank)
 * @param p90 nine in ten
 * @param p99 99 in 100
 */
public record Distribution(int count, double mean, double p50, double p90, double p99) {
  /**
   * Of the first {@code count} values.
   *
   * @param values is sorted by this
   */
  static Distribution of(double[] values, int count) {
    if (count == 0) {
      return new Distribution(0, Double.NaN, Double.NaN, Double.NaN, Double.NaN);
    }
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += values[i];
    }
    Arrays.sort(values, 0, count);
    return new Distribution(
        count,
        sum / count,
        values[rank(count, 0.5)],
        values[rank(count, 0.9)],
        values[rank(count, 0.99)]);
  }

  private static int rank(int count, double share) {
    return Math.max(0, (int) Math.ceil(share * count) - 1);
  }
}

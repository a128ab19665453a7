package org.e2llm.samples.bench;

import java.util.Arrays;

/**
 * Tokens per second over several runs.
 *
 * @param mean of the runs
 * @param deviation sample standard deviation; 0 for a single run
 */
record Speed(double mean, double deviation) {
  static Speed of(double[] perSecond) {
    double mean = Arrays.stream(perSecond).average().orElse(0);
    double squares = Arrays.stream(perSecond).map(x -> (x - mean) * (x - mean)).sum();
    int runs = perSecond.length;
    return new Speed(mean, runs > 1 ? Math.sqrt(squares / (runs - 1)) : 0);
  }
}

package org.e2llm.samples.study;

/** Quantiles of Student's t distribution, from its usual table. */
final class StudentT {
  private static final double[] QUANTILES = {
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228
  };

  /** From here on that of the normal distribution is near enough. */
  private static final double NORMAL = 1.96;

  private StudentT() {}

  /** The 97.5 % quantile, which gives two-sided intervals of 95 %. */
  static double quantile975(int degreesOfFreedom) {
    return degreesOfFreedom <= QUANTILES.length ? QUANTILES[degreesOfFreedom - 1] : NORMAL;
  }
}

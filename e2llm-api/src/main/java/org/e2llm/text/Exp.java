package org.e2llm.text;

/**
 * The exponential function for weights, the same bits on every platform; {@link Math#exp} may
 * differ in its last bit, and {@link StrictMath#exp} is slow over a whole vocabulary.
 *
 * <p>{@code exp(x) = 2^k · exp(r)} with {@code k = round(x / ln 2)} and {@code |r| ≤ ln 2 / 2}; the
 * Taylor polynomial of degree 13 is exact to below one unit in the last place there. Only products
 * and sums, in a fixed order.
 */
final class Exp {
  /** Below this the result counts as zero: 2^-1010 is still a normal number. */
  private static final double SMALLEST = -700;

  private static final double LOG2_E = 1.4426950408889634;
  // The upper 32 bits of ln 2 and the rest (fdlibm): k · LN2_HIGH is exact.
  private static final double LN2_HIGH = 6.93147180369123816490e-01;
  private static final double LN2_LOW = 1.90821492927058770002e-10;

  private static final double[] COEFFICIENTS = new double[14];

  static {
    double factorial = 1;
    for (int i = 0; i < COEFFICIENTS.length; i++) {
      factorial *= Math.max(1, i);
      COEFFICIENTS[i] = 1 / factorial;
    }
  }

  private Exp() {}

  /** For {@code x <= 0}; negative infinity gives 0. */
  static double ofNonPositive(double x) {
    if (!(x > SMALLEST)) {
      return 0;
    }
    double k = Math.rint(x * LOG2_E);
    double r = (x - k * LN2_HIGH) - k * LN2_LOW;
    double sum = COEFFICIENTS[13];
    for (int i = 12; i >= 0; i--) {
      sum = sum * r + COEFFICIENTS[i];
    }
    return sum * Double.longBitsToDouble(((long) k + 1023) << 52);
  }
}

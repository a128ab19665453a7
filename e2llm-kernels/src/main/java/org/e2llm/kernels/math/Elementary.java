package org.e2llm.kernels.math;

/**
 * Elementary functions from fma, products, sums and bits only, so that every platform and vector
 * width computes the same bits ({@code Math.exp} may differ in the last one).
 */
final class Elementary {
  static final float LOG2_E = 0x1.715476p0f;

  /** ln 2 = LN2_HIGH + LN2_LOW, rounded to F32 each. */
  static final float LN2_HIGH = 0x1.62e43p-1f;

  static final float LN2_LOW = -0x1.05c61p-29f;

  /** 1.5 * 2^23: adding it rounds to an integer, which stands in the low bits of the sum. */
  static final float ROUND = 0x1.8p23f;

  static final int ROUND_BITS = 0x4b400000;

  /** Above, exp is infinite; below the other, zero. */
  static final float EXP_MAX = 89f;

  static final float EXP_MIN = -104f;

  /** Taylor coefficients 1 / k! for k = 2 .. 7. */
  static final float C2 = 0.5f;

  static final float C3 = 1f / 6;
  static final float C4 = 1f / 24;
  static final float C5 = 1f / 120;
  static final float C6 = 1f / 720;
  static final float C7 = 1f / 5040;

  /** gelu(v) = v / (1 + exp(v * (GELU_1 + GELU_3 v²))): the tanh form, rewritten as a sigmoid. */
  static final float GELU_1 = -1.5957691216057308f; // -2 sqrt(2 / pi)

  static final float GELU_3 = -0.07135481282674484f; // GELU_1 * 0.044715

  private Elementary() {}

  /**
   * e^x within 1 ulp, subnormal results included; NaN stays NaN.
   *
   * <p>x = n ln 2 + r with |r| &le; ln 2 / 2; e^r by its Taylor polynomial (error 0.1 ulp); times
   * 2^n in two steps, since n may lie outside the exponents of F32.
   */
  static float exp(float x) {
    x = x > EXP_MAX ? EXP_MAX : x;
    x = x < EXP_MIN ? EXP_MIN : x;
    float shifted = Math.fma(x, LOG2_E, ROUND);
    float n = shifted - ROUND;
    float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, x));
    float p = Math.fma(r, C7, C6);
    p = Math.fma(p, r, C5);
    p = Math.fma(p, r, C4);
    p = Math.fma(p, r, C3);
    p = Math.fma(p, r, C2);
    p = Math.fma(p, r, 1f);
    p = Math.fma(p, r, 1f);
    int exponent = Float.floatToRawIntBits(shifted) - ROUND_BITS;
    int half = exponent >> 1;
    return p * powerOfTwo(half) * powerOfTwo(exponent - half);
  }

  private static float powerOfTwo(int exponent) {
    return Float.intBitsToFloat((exponent + 127) << 23);
  }

  static float silu(float v) {
    return v / (1f + exp(-v));
  }

  /** The tanh approximation: v / 2 * (1 + tanh(sqrt(2 / pi) * (v + 0.044715 v³))). */
  static float gelu(float v) {
    return v / (1f + exp(v * Math.fma(GELU_3, v * v, GELU_1)));
  }
}

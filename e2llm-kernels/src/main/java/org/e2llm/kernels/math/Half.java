package org.e2llm.kernels.math;

/**
 * IEEE 754 binary16 and bfloat16, one number at a time; base code cannot use {@code
 * Float.float16ToFloat}.
 *
 * <p>NaN keeps its sign and the top of its payload and becomes quiet.
 */
public final class Half {
  /** 2^112: the distance between the exponent biases of F32 (127) and F16 (15). */
  static final float BIAS = 0x1p112f;

  /** Halves of F32 magnitude 2^16 and more, before the special exponent is widened: inf and NaN. */
  static final float SPECIAL = 0x1p16f;

  private Half() {}

  /** Exact. Moves the bits into place and lets one multiplication fix exponent and subnormals. */
  public static float toFloat(short half) {
    float f = Float.intBitsToFloat((half << 13) & 0x8fffe000) * BIAS;
    return Math.abs(f) >= SPECIAL ? special(half) : f;
  }

  private static float special(short half) {
    int quiet = (half & 0x3ff) == 0 ? 0 : 0x400000;
    return Float.intBitsToFloat((half << 13) & 0x807fe000 | 0x7f800000 | quiet);
  }

  /** Rounds to nearest even; overflow gives infinity. */
  public static short fromFloat(float x) {
    int bits = Float.floatToRawIntBits(x);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00 | magnitude >>> 13 & 0x3ff);
    }
    if (magnitude >= 0x38800000) { // 2^-14: normal as a half, or too large
      int rounded = magnitude + 0xfff + (magnitude >>> 13 & 1) - (112 << 23);
      return (short) (sign | Math.min(rounded >>> 13, 0x7c00));
    }
    // A subnormal half is a multiple of 2^-24: adding 0.5 leaves exactly that many bits.
    float aligned = Float.intBitsToFloat(magnitude) + 0.5f;
    return (short) (sign | Float.floatToRawIntBits(aligned) - 0x3f000000);
  }

  /** Exact. */
  public static float bfloatToFloat(short bfloat) {
    return Float.intBitsToFloat(bfloat << 16);
  }
}

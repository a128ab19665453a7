package org.e2llm.transport.stage;

/**
 * IEEE 754 binary16, for platforms without {@code Float.floatToFloat16}. Rounds to the nearest,
 * ties to even; what is too large becomes infinite.
 */
final class HalfFloats {
  private static final int MAGNITUDE = 0x7fff_ffff;

  /** Half of the distance from the largest binary16 to the next one it does not have: 65520. */
  private static final int OVERFLOW = 0x477f_f000;

  /** The smallest normal binary16, 2^-14. */
  private static final int NORMAL = 0x3880_0000;

  private HalfFloats() {}

  static short toHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & MAGNITUDE;
    if (magnitude > 0x7f80_0000) {
      return (short) (sign | 0x7e00); // not a number
    }
    if (magnitude >= OVERFLOW) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < NORMAL) {
      // Adding 0.5 leaves a multiple of 2^-24, the step of subnormal numbers, in the low bits.
      float aligned = Float.intBitsToFloat(magnitude) + 0.5f;
      return (short) (sign | Float.floatToRawIntBits(aligned) - 0x3f00_0000);
    }
    int odd = magnitude >>> 13 & 1;
    return (short) (sign | (magnitude - (112 << 23) + 0xfff + odd) >>> 13);
  }

  static float toFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int magnitude = half & 0x7fff;
    if (magnitude >= 0x7c00) {
      return Float.intBitsToFloat(sign | 0x7f80_0000 | (magnitude & 0x3ff) << 13);
    }
    if (magnitude >= 0x400) {
      return Float.intBitsToFloat(sign | (magnitude << 13) + (112 << 23));
    }
    float subnormal = magnitude * 0x1p-24f;
    return sign == 0 ? subnormal : -subnormal;
  }
}

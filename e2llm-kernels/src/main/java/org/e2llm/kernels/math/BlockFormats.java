package org.e2llm.kernels.math;

import java.nio.ByteBuffer;

/**
 * Types with blocks of 32 weights and one scale: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL.
 *
 * <p>Four-bit quants lie in 16 bytes: byte j holds weight j in its low and weight j + 16 in its
 * high half. The fifth bits, where there are any, lie in one int before them: bit j belongs to
 * weight j.
 */
final class BlockFormats {
  static final int BLOCK = 32;

  /** The quants of IQ4_NL and IQ4_XS stand for these, a grid that is finer near zero. */
  static final byte[] IQ4_VALUES = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private BlockFormats() {}

  /** Half scale, 32 signed bytes. */
  static void q8_0(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 34) {
      float d = Half.toFloat(in.getShort(at));
      int o = outOffset + block;
      for (int j = 0; j < BLOCK; j++) {
        out[o + j] = d * in.get(at + 2 + j);
      }
    }
  }

  /** Half scale, nibbles with zero point 8. */
  static void q4_0(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 18) {
      float d = Half.toFloat(in.getShort(at));
      nibbles(in, at + 2, d, -8f * d, out, outOffset + block);
    }
  }

  /** Half scale, half minimum, nibbles. */
  static void q4_1(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 20) {
      float d = Half.toFloat(in.getShort(at));
      float m = Half.toFloat(in.getShort(at + 2));
      nibbles(in, at + 4, d, m, out, outOffset + block);
    }
  }

  /** Half scale, fifth bits, nibbles; zero point 16. */
  static void q5_0(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 22) {
      float d = Half.toFloat(in.getShort(at));
      fiveBits(in, at + 2, d, -16f * d, out, outOffset + block);
    }
  }

  /** Half scale, half minimum, fifth bits, nibbles. */
  static void q5_1(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 24) {
      float d = Half.toFloat(in.getShort(at));
      float m = Half.toFloat(in.getShort(at + 2));
      fiveBits(in, at + 4, d, m, out, outOffset + block);
    }
  }

  /** Half scale, nibbles that point into {@link #IQ4_VALUES}. */
  static void iq4_nl(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 18) {
      iq4(in, at + 2, Half.toFloat(in.getShort(at)), out, outOffset + block);
    }
  }

  /** 32 weights of IQ4 from 16 bytes. */
  static void iq4(ByteBuffer in, int at, float d, float[] out, int o) {
    for (int j = 0; j < 16; j++) {
      int q = in.get(at + j);
      out[o + j] = d * IQ4_VALUES[q & 15];
      out[o + 16 + j] = d * IQ4_VALUES[q >> 4 & 15];
    }
  }

  private static void nibbles(ByteBuffer in, int at, float d, float m, float[] out, int o) {
    for (int j = 0; j < 16; j++) {
      int q = in.get(at + j);
      out[o + j] = Math.fma(d, q & 15, m);
      out[o + 16 + j] = Math.fma(d, q >> 4 & 15, m);
    }
  }

  private static void fiveBits(ByteBuffer in, int at, float d, float m, float[] out, int o) {
    int high = in.getInt(at);
    for (int j = 0; j < 16; j++) {
      int q = in.get(at + 4 + j);
      out[o + j] = Math.fma(d, q & 15 | (high >> j & 1) << 4, m);
      out[o + 16 + j] = Math.fma(d, q >> 4 & 15 | (high >> (j + 16) & 1) << 4, m);
    }
  }
}

package org.e2llm.kernels.math;

import java.nio.ByteBuffer;

/**
 * Types with blocks of 256 weights, whose sub-blocks have small integer scales under one half
 * scale: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS.
 */
final class SuperBlockFormats {
  static final int BLOCK = 256;

  private SuperBlockFormats() {}

  /**
   * Bytes: scales[16], quants[64], half d, half dmin. Sub-blocks of 16; a scale byte has the scale
   * in its low, the minimum in its high half. Quants: two runs of 32 bytes; a run holds 128
   * weights, its bits 2k and 2k + 1 the k-th 32 of them.
   */
  static void q2_k(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 84) {
      float d = Half.toFloat(in.getShort(at + 80));
      float dmin = Half.toFloat(in.getShort(at + 82));
      for (int sub = 0; sub < 16; sub++) {
        int scale = in.get(at + sub);
        float dl = d * (scale & 15);
        float ml = dmin * (scale >> 4 & 15);
        int from = at + 16 + (sub >> 3) * 32 + (sub & 1) * 16;
        int shift = sub & 6;
        int o = outOffset + block + 16 * sub;
        for (int j = 0; j < 16; j++) {
          out[o + j] = Math.fma(dl, in.get(from + j) >> shift & 3, -ml);
        }
      }
    }
  }

  /**
   * Bytes: high bits[32], low bits[64], scales[12], half d. Sub-blocks of 16. Low bits as in Q2_K;
   * bit k of high byte j belongs to weight 32 k + j. Zero point 4.
   */
  static void q3_k(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 110) {
      float d = Half.toFloat(in.getShort(at + 108));
      for (int sub = 0; sub < 16; sub++) {
        float dl = d * (q3Scale(in, at + 96, sub) - 32);
        int from = at + 32 + (sub >> 3) * 32 + (sub & 1) * 16;
        int high = at + (sub & 1) * 16;
        int shift = sub & 6;
        int o = outOffset + block + 16 * sub;
        for (int j = 0; j < 16; j++) {
          int q = in.get(from + j) >> shift & 3 | (in.get(high + j) >> (sub >> 1) & 1) << 2;
          out[o + j] = Math.fma(dl, q, -4f * dl);
        }
      }
    }
  }

  /** Six bits: the low four in halves of bytes 0 to 7, the high two in bytes 8 to 11. */
  static int q3Scale(ByteBuffer in, int at, int sub) {
    int low = in.get(at + (sub & 7)) >> (sub >> 3) * 4 & 15;
    int high = in.get(at + 8 + (sub & 3)) >> (sub >> 2) * 2 & 3;
    return low | high << 4;
  }

  /**
   * Bytes: half d, half dmin, scales[12], quants[128]. Sub-blocks of 32; 32 bytes of quants hold
   * one sub-block in their low halves and the next in their high halves.
   */
  static void q4_k(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 144) {
      float d = Half.toFloat(in.getShort(at));
      float dmin = Half.toFloat(in.getShort(at + 2));
      for (int sub = 0; sub < 8; sub++) {
        float dl = d * scale(in, at + 4, sub);
        float ml = dmin * minimum(in, at + 4, sub);
        int from = at + 16 + (sub >> 1) * 32;
        int shift = (sub & 1) * 4;
        int o = outOffset + block + 32 * sub;
        for (int j = 0; j < 32; j++) {
          out[o + j] = Math.fma(dl, in.get(from + j) >> shift & 15, -ml);
        }
      }
    }
  }

  /** As Q4_K, with high bits[32] before the quants: bit k of byte j belongs to weight 32 k + j. */
  static void q5_k(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 176) {
      float d = Half.toFloat(in.getShort(at));
      float dmin = Half.toFloat(in.getShort(at + 2));
      for (int sub = 0; sub < 8; sub++) {
        float dl = d * scale(in, at + 4, sub);
        float ml = dmin * minimum(in, at + 4, sub);
        int from = at + 48 + (sub >> 1) * 32;
        int shift = (sub & 1) * 4;
        int o = outOffset + block + 32 * sub;
        for (int j = 0; j < 32; j++) {
          int q = in.get(from + j) >> shift & 15 | (in.get(at + 16 + j) >> sub & 1) << 4;
          out[o + j] = Math.fma(dl, q, -ml);
        }
      }
    }
  }

  /** Scale {@code sub} of 8 in the 12 bytes of Q4_K and Q5_K: six bits, the last four split. */
  static int scale(ByteBuffer in, int at, int sub) {
    return sub < 4
        ? in.get(at + sub) & 63
        : in.get(at + sub + 4) & 15 | (in.get(at + sub - 4) >> 6 & 3) << 4;
  }

  /** Minimum {@code sub} of 8, likewise. */
  static int minimum(ByteBuffer in, int at, int sub) {
    return sub < 4
        ? in.get(at + sub + 4) & 63
        : in.get(at + sub + 4) >> 4 & 15 | (in.get(at + sub) >> 6 & 3) << 4;
  }

  /**
   * Bytes: low bits[128], high bits[64], signed scales[16], half d. Sub-blocks of 16, zero point
   * 32. Each half block of 128 weights has 64 bytes of low bits (weights 0 to 63 in the low, 64 to
   * 127 in the high halves) and 32 of high bits (bits 2k and 2k + 1 for the k-th 32).
   */
  static void q6_k(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 210) {
      float d = Half.toFloat(in.getShort(at + 208));
      for (int sub = 0; sub < 16; sub++) {
        float dl = d * in.get(at + 192 + sub);
        int from = at + (sub >> 3) * 64 + (sub & 3) * 16;
        int high = at + 128 + (sub >> 3) * 32 + (sub & 1) * 16;
        int shift = sub & 4;
        int highShift = sub & 6;
        int o = outOffset + block + 16 * sub;
        for (int j = 0; j < 16; j++) {
          int q = in.get(from + j) >> shift & 15 | (in.get(high + j) >> highShift & 3) << 4;
          out[o + j] = Math.fma(dl, q, -32f * dl);
        }
      }
    }
  }

  /**
   * Bytes: half d, short high bits of scales, low bits of scales[4], quants[128]. Sub-blocks of 32,
   * each laid out as a block of IQ4_NL; six-bit scales with zero point 32.
   */
  static void iq4_xs(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int block = 0, at = offset; block < n; block += BLOCK, at += 136) {
      float d = Half.toFloat(in.getShort(at));
      for (int sub = 0; sub < 8; sub++) {
        float dl = d * (iq4Scale(in, at + 2, sub) - 32);
        BlockFormats.iq4(in, at + 8 + 16 * sub, dl, out, outOffset + block + 32 * sub);
      }
    }
  }

  static int iq4Scale(ByteBuffer in, int at, int sub) {
    int low = in.get(at + 2 + (sub >> 1)) >> (sub & 1) * 4 & 15;
    return low | (in.getShort(at) >> 2 * sub & 3) << 4;
  }
}

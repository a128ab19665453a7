package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.VectorBlockFormats.half;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link SuperBlockFormats} in vectors; a sub-block of 16 is one group, one of 32 is two. */
final class VectorSuperBlockFormats {
  private VectorSuperBlockFormats() {}

  static void q2_k(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 256, at += 84) {
      float d = half(in, at + 80);
      float dmin = -half(in, at + 82);
      for (int sub = 0; sub < 16; sub++, o += gs) {
        int scale = unsigned(in, at + sub);
        long from = at + 16 + (sub >> 3) * 32 + (sub & 1) * 16;
        Widen.field(in, from, sub & 6, 3, d * (scale & 15), dmin * (scale >> 4), out, o, ss);
      }
    }
  }

  static void q3_k(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 256, at += 110) {
      float d = half(in, at + 108);
      for (int sub = 0; sub < 16; sub++, o += gs) {
        float dl = d * (q3Scale(in, at + 96, sub) - 32);
        long from = at + 32 + (sub >> 3) * 32 + (sub & 1) * 16;
        long top = at + (sub & 1) * 16;
        Widen.fields(in, from, sub & 6, 3, top, sub >> 1, 1, 2, dl, -4f * dl, out, o, ss);
      }
    }
  }

  private static int q3Scale(MemorySegment in, long at, int sub) {
    int low = unsigned(in, at + (sub & 7)) >> (sub >> 3) * 4 & 15;
    return low | (unsigned(in, at + 8 + (sub & 3)) >> (sub >> 2) * 2 & 3) << 4;
  }

  static void q4_k(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 256, at += 144) {
      float d = half(in, at);
      float dmin = -half(in, at + 2);
      for (int sub = 0; sub < 8; sub += 2, o += 4 * gs) {
        float d0 = d * scale(in, at + 4, sub);
        float m0 = dmin * minimum(in, at + 4, sub);
        float d1 = d * scale(in, at + 4, sub + 1);
        float m1 = dmin * minimum(in, at + 4, sub + 1);
        long from = at + 16 + 16 * sub;
        Widen.nibbles(in, from, d0, m0, d1, m1, out, o, o + 2 * gs, ss);
        Widen.nibbles(in, from + 16, d0, m0, d1, m1, out, o + gs, o + 3 * gs, ss);
      }
    }
  }

  static void q5_k(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 256, at += 176) {
      float d = half(in, at);
      float dmin = -half(in, at + 2);
      for (int sub = 0; sub < 8; sub++, o += 2 * gs) {
        float dl = d * scale(in, at + 4, sub);
        float ml = dmin * minimum(in, at + 4, sub);
        long from = at + 48 + (sub >> 1) * 32;
        int shift = (sub & 1) * 4;
        Widen.fields(in, from, shift, 15, at + 16, sub, 1, 4, dl, ml, out, o, ss);
        Widen.fields(in, from + 16, shift, 15, at + 32, sub, 1, 4, dl, ml, out, o + gs, ss);
      }
    }
  }

  private static int scale(MemorySegment in, long at, int sub) {
    return sub < 4
        ? unsigned(in, at + sub) & 63
        : unsigned(in, at + sub + 4) & 15 | (unsigned(in, at + sub - 4) >> 6) << 4;
  }

  private static int minimum(MemorySegment in, long at, int sub) {
    return sub < 4
        ? unsigned(in, at + sub + 4) & 63
        : unsigned(in, at + sub + 4) >> 4 | (unsigned(in, at + sub) >> 6) << 4;
  }

  static void q6_k(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 256, at += 210) {
      float d = half(in, at + 208);
      for (int sub = 0; sub < 16; sub++, o += gs) {
        float dl = d * in.get(ValueLayout.JAVA_BYTE, at + 192 + sub);
        long from = at + (sub >> 3) * 64 + (sub & 3) * 16;
        long top = at + 128 + (sub >> 3) * 32 + (sub & 1) * 16;
        Widen.fields(in, from, sub & 4, 15, top, sub & 6, 3, 4, dl, -32f * dl, out, o, ss);
      }
    }
  }

  static void iq4_xs(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 256, at += 136) {
      float d = half(in, at);
      for (int sub = 0; sub < 8; sub++, o += 2 * gs) {
        int low = unsigned(in, at + 4 + (sub >> 1)) >> (sub & 1) * 4 & 15;
        int high = unsigned(in, at + 2 + (sub >> 2)) >> 2 * (sub & 3) & 3;
        float dl = d * ((low | high << 4) - 32);
        Widen.table(in, at + 8 + 16 * sub, dl, out, o, o + gs, ss);
      }
    }
  }

  private static int unsigned(MemorySegment in, long at) {
    return in.get(ValueLayout.JAVA_BYTE, at) & 0xff;
  }
}

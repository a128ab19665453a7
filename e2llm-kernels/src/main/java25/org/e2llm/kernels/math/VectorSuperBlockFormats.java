package org.e2llm.kernels.math;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static org.e2llm.kernels.math.Lanes.STRIPS;
import static org.e2llm.kernels.math.VectorBlockFormats.half;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** {@link SuperBlockFormats} in vectors; a sub-block of 16 is one group, one of 32 is two. */
final class VectorSuperBlockFormats {
  private VectorSuperBlockFormats() {}

  static void q2_k(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 256, at += 84) {
      float d = half(in, at + 80);
      float dmin = half(in, at + 82);
      for (int sub = 0; sub < 16; sub++, o += gs) {
        int scale = unsigned(in, at + sub);
        FloatVector dl = FloatVector.broadcast(Lanes.F, d * (scale & 15));
        FloatVector ml = FloatVector.broadcast(Lanes.F, -(dmin * (scale >> 4)));
        long from = at + 16 + (sub >> 3) * 32 + (sub & 1) * 16;
        for (int h = 0; h < STRIPS; h++) {
          IntVector q = Lanes.unsignedBytes(in, from, h).lanewise(LSHR, sub & 6).and(3);
          Lanes.toFloat(q).fma(dl, ml).intoArray(out, o + h * ss);
        }
      }
    }
  }

  static void q3_k(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 256, at += 110) {
      float d = half(in, at + 108);
      for (int sub = 0; sub < 16; sub++, o += gs) {
        float scale = d * (q3Scale(in, at + 96, sub) - 32);
        FloatVector dl = FloatVector.broadcast(Lanes.F, scale);
        FloatVector ml = FloatVector.broadcast(Lanes.F, -4f * scale);
        long from = at + 32 + (sub >> 3) * 32 + (sub & 1) * 16;
        long high = at + (sub & 1) * 16;
        for (int h = 0; h < STRIPS; h++) {
          IntVector low = Lanes.unsignedBytes(in, from, h).lanewise(LSHR, sub & 6).and(3);
          IntVector top = Lanes.unsignedBytes(in, high, h).lanewise(LSHR, sub >> 1).and(1);
          Lanes.toFloat(low.or(top.lanewise(LSHL, 2))).fma(dl, ml).intoArray(out, o + h * ss);
        }
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
      float dmin = half(in, at + 2);
      for (int sub = 0; sub < 8; sub += 2, o += 4 * gs) {
        float d0 = d * scale(in, at + 4, sub);
        float m0 = -(dmin * minimum(in, at + 4, sub));
        float d1 = d * scale(in, at + 4, sub + 1);
        float m1 = -(dmin * minimum(in, at + 4, sub + 1));
        for (int h = 0; h < STRIPS; h++) {
          pair(in, at + 16 + 16 * sub, h, d0, m0, d1, m1, out, o + h * ss, gs);
        }
      }
    }
  }

  /** Two sub-blocks of Q4_K, one strip; small enough to be compiled by itself. */
  private static void pair(
      MemorySegment in,
      long from,
      int h,
      float scale0,
      float offset0,
      float scale1,
      float offset1,
      float[] out,
      int o,
      int gs) {
    IntVector q = Lanes.unsignedBytes(in, from, h);
    IntVector r = Lanes.unsignedBytes(in, from + 16, h);
    FloatVector d = FloatVector.broadcast(Lanes.F, scale0);
    FloatVector m = FloatVector.broadcast(Lanes.F, offset0);
    Lanes.toFloat(q.and(15)).fma(d, m).intoArray(out, o);
    Lanes.toFloat(r.and(15)).fma(d, m).intoArray(out, o + gs);
    d = FloatVector.broadcast(Lanes.F, scale1);
    m = FloatVector.broadcast(Lanes.F, offset1);
    Lanes.toFloat(q.lanewise(LSHR, 4)).fma(d, m).intoArray(out, o + 2 * gs);
    Lanes.toFloat(r.lanewise(LSHR, 4)).fma(d, m).intoArray(out, o + 3 * gs);
  }

  /** Scale and (negative) minimum of the eight sub-blocks of Q4_K and Q5_K, in turns. */
  static void scales(MemorySegment in, long at, float[] out, int o) {
    float d = half(in, at);
    float dmin = -half(in, at + 2);
    int low = in.get(VectorBlockFormats.INT, at + 4);
    int mid = in.get(VectorBlockFormats.INT, at + 8);
    int top = in.get(VectorBlockFormats.INT, at + 12);
    int scaleTop = top & 0x0f0f0f0f | low >>> 2 & 0x30303030;
    int minimumTop = top >>> 4 & 0x0f0f0f0f | mid >>> 2 & 0x30303030;
    for (int i = 0; i < 4; i++) {
      out[o + 2 * i] = d * (low >>> 8 * i & 63);
      out[o + 2 * i + 1] = dmin * (mid >>> 8 * i & 63);
      out[o + 8 + 2 * i] = d * (scaleTop >>> 8 * i & 63);
      out[o + 8 + 2 * i + 1] = dmin * (minimumTop >>> 8 * i & 63);
    }
  }

  static void q5_k(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 256, at += 176) {
      float d = half(in, at);
      float dmin = half(in, at + 2);
      for (int group = 0; group < 16; group++, o += gs) {
        int sub = group >> 1;
        FloatVector dl = FloatVector.broadcast(Lanes.F, d * scale(in, at + 4, sub));
        FloatVector ml = FloatVector.broadcast(Lanes.F, -(dmin * minimum(in, at + 4, sub)));
        long from = at + 48 + (sub >> 1) * 32 + (group & 1) * 16;
        long high = at + 16 + (group & 1) * 16;
        for (int h = 0; h < STRIPS; h++) {
          IntVector low = Lanes.unsignedBytes(in, from, h).lanewise(LSHR, (sub & 1) * 4).and(15);
          IntVector top = Lanes.unsignedBytes(in, high, h).lanewise(LSHR, sub).and(1);
          Lanes.toFloat(low.or(top.lanewise(LSHL, 4))).fma(dl, ml).intoArray(out, o + h * ss);
        }
      }
    }
  }

  static int scale(MemorySegment in, long at, int sub) {
    return sub < 4
        ? unsigned(in, at + sub) & 63
        : unsigned(in, at + sub + 4) & 15 | (unsigned(in, at + sub - 4) >> 6) << 4;
  }

  static int minimum(MemorySegment in, long at, int sub) {
    return sub < 4
        ? unsigned(in, at + sub + 4) & 63
        : unsigned(in, at + sub + 4) >> 4 | (unsigned(in, at + sub) >> 6) << 4;
  }

  static void q6_k(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 256, at += 210) {
      float d = half(in, at + 208);
      for (int sub = 0; sub < 16; sub++, o += gs) {
        float scale = d * in.get(ValueLayout.JAVA_BYTE, at + 192 + sub);
        FloatVector dl = FloatVector.broadcast(Lanes.F, scale);
        FloatVector ml = FloatVector.broadcast(Lanes.F, -32f * scale);
        long from = at + (sub >> 3) * 64 + (sub & 3) * 16;
        long high = at + 128 + (sub >> 3) * 32 + (sub & 1) * 16;
        for (int h = 0; h < STRIPS; h++) {
          IntVector low = Lanes.unsignedBytes(in, from, h).lanewise(LSHR, sub & 4).and(15);
          IntVector top = Lanes.unsignedBytes(in, high, h).lanewise(LSHR, sub & 6).and(3);
          Lanes.toFloat(low.or(top.lanewise(LSHL, 4))).fma(dl, ml).intoArray(out, o + h * ss);
        }
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
        VectorBlockFormats.iq4(in, at + 8 + 16 * sub, dl, out, o, gs, ss);
      }
    }
  }

  private static int unsigned(MemorySegment in, long at) {
    return in.get(ValueLayout.JAVA_BYTE, at) & 0xff;
  }
}

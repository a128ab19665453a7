package org.e2llm.kernels.math;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static org.e2llm.kernels.math.Lanes.B;
import static org.e2llm.kernels.math.Lanes.BYTES_1;
import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.I;
import static org.e2llm.kernels.math.Lanes.PART_1;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Fused rows of Q4_K and Q6_K, one at a time: first all scales of the row as floats, then the dot.
 */
final class FusedSuperBlocks {
  private FusedSuperBlocks() {}

  static void q4_k(
      MemorySegment in,
      long a,
      long b,
      int n,
      float[] x,
      int xi,
      float[] work,
      int sumsAt,
      int scalesAt) {
    q4_k(in, a, n / 256, x, xi, work, sumsAt, scalesAt);
    q4_k(in, b, n / 256, x, xi, work, sumsAt + GROUP, scalesAt);
  }

  private static void q4_k(
      MemorySegment in, long at, int blocks, float[] x, int xi, float[] work, int si, int scales) {
    for (int i = 0; i < blocks; i++) {
      K4Scales.expand(in, at + 144L * i, work, scales + 16 * i);
    }
    for (int h = 0; h < STRIPS; h += 2) {
      int o = h * COUNT;
      pairs(in, at + 16 + o, 4 * blocks, x, xi + o, work, si + o, scales);
    }
  }

  /** Pairs of sub-blocks, four in each block, 64 weights in 32 bytes. */
  private static void pairs(
      MemorySegment in, long quants, int pairs, float[] x, int xi, float[] s, int si, int scales) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    for (int i = 0; i < pairs; i++) {
      long at = quants + (i >> 2) * 144L + (i & 3) * 32;
      int xt = xi + 64 * i;
      int scale = scales + (i >> 1) * 8 + (i & 1) * 2;
      FloatVector d0 = FloatVector.broadcast(F, s[scale]);
      FloatVector d1 = FloatVector.broadcast(F, s[scale + 1]);
      FloatVector m0 = FloatVector.broadcast(F, s[scale + 4]);
      FloatVector m1 = FloatVector.broadcast(F, s[scale + 5]);
      IntVector q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      IntVector r =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at + GROUP, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      s0 =
          ((FloatVector) q.and(15).convertShape(I2F, F, 0))
              .fma(d0, m0)
              .fma(FloatVector.fromArray(F, x, xt), s0);
      s0 =
          ((FloatVector) r.and(15).convertShape(I2F, F, 0))
              .fma(d0, m0)
              .fma(FloatVector.fromArray(F, x, xt + GROUP), s0);
      s0 =
          ((FloatVector) q.lanewise(LSHR, 4).convertShape(I2F, F, 0))
              .fma(d1, m1)
              .fma(FloatVector.fromArray(F, x, xt + 2 * GROUP), s0);
      s0 =
          ((FloatVector) r.lanewise(LSHR, 4).convertShape(I2F, F, 0))
              .fma(d1, m1)
              .fma(FloatVector.fromArray(F, x, xt + 3 * GROUP), s0);
      if (STRIPS > 1) {
        q =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, at + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        r =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, at + GROUP + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        s1 =
            ((FloatVector) q.and(15).convertShape(I2F, F, 0))
                .fma(d0, m0)
                .fma(FloatVector.fromArray(F, x, xt + COUNT), s1);
        s1 =
            ((FloatVector) r.and(15).convertShape(I2F, F, 0))
                .fma(d0, m0)
                .fma(FloatVector.fromArray(F, x, xt + GROUP + COUNT), s1);
        s1 =
            ((FloatVector) q.lanewise(LSHR, 4).convertShape(I2F, F, 0))
                .fma(d1, m1)
                .fma(FloatVector.fromArray(F, x, xt + 2 * GROUP + COUNT), s1);
        s1 =
            ((FloatVector) r.lanewise(LSHR, 4).convertShape(I2F, F, 0))
                .fma(d1, m1)
                .fma(FloatVector.fromArray(F, x, xt + 3 * GROUP + COUNT), s1);
      }
    }
    s0.intoArray(s, si);
    if (STRIPS > 1) {
      s1.intoArray(s, si + COUNT);
    }
  }

  static void q6_k(
      MemorySegment in,
      long a,
      long b,
      int n,
      float[] x,
      int xi,
      float[] work,
      int sumsAt,
      int scalesAt) {
    q6_k(in, a, n / 256, x, xi, work, sumsAt, scalesAt);
    q6_k(in, b, n / 256, x, xi, work, sumsAt + GROUP, scalesAt);
  }

  private static void q6_k(
      MemorySegment in, long at, int blocks, float[] x, int xi, float[] work, int si, int scales) {
    for (int i = 0; i < blocks; i++) {
      float d = VectorBlockFormats.half(in, at + 210L * i + 208);
      Widen.bytes(in, at + 210L * i + 192, d, work, scales + 16 * i, COUNT);
    }
    for (int h = 0; h < STRIPS; h += 2) {
      int o = h * COUNT;
      halves(in, at + o, 2 * blocks, x, xi + o, work, si + o, scales);
    }
  }

  /** Halves of blocks: 128 weights, 64 bytes of low and 32 of high bits. */
  private static void halves(
      MemorySegment in, long a, int halves, float[] x, int xi, float[] s, int si, int scales) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    for (int i = 0; i < halves; i++) {
      long at = a + (i >> 1) * 210L + (i & 1) * 64;
      long high = a + (i >> 1) * 210L + 128 + (i & 1) * 32;
      int xt = xi + 128 * i;
      int scale = scales + 8 * i;
      IntVector q0 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      IntVector q1 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at + 16, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      IntVector q2 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at + 32, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      IntVector q3 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at + 48, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      IntVector h0 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, high, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      IntVector h1 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, high + 16, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      FloatVector w =
          (FloatVector) q0.and(15).or(h0.lanewise(LSHL, 4).and(48)).convertShape(I2F, F, 0);
      FloatVector d = FloatVector.broadcast(F, s[scale]);
      s0 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt), s0);
      w = (FloatVector) q1.and(15).or(h1.lanewise(LSHL, 4).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 1]);
      s0 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 16), s0);
      w = (FloatVector) q2.and(15).or(h0.lanewise(LSHL, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 2]);
      s0 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 32), s0);
      w = (FloatVector) q3.and(15).or(h1.lanewise(LSHL, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 3]);
      s0 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 48), s0);
      w = (FloatVector) q0.lanewise(LSHR, 4).or(h0.and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 4]);
      s0 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 64), s0);
      w = (FloatVector) q1.lanewise(LSHR, 4).or(h1.and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 5]);
      s0 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 80), s0);
      w =
          (FloatVector)
              q2.lanewise(LSHR, 4).or(h0.lanewise(LSHR, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 6]);
      s0 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 96), s0);
      w =
          (FloatVector)
              q3.lanewise(LSHR, 4).or(h1.lanewise(LSHR, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 7]);
      s0 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 112), s0);
      if (STRIPS > 1) {
        q0 =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, at + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        q1 =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, at + 16 + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        q2 =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, at + 32 + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        q3 =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, at + 48 + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        h0 =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, high + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        h1 =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, high + 16 + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        w = (FloatVector) q0.and(15).or(h0.lanewise(LSHL, 4).and(48)).convertShape(I2F, F, 0);
        d = FloatVector.broadcast(F, s[scale]);
        s1 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + COUNT), s1);
        w = (FloatVector) q1.and(15).or(h1.lanewise(LSHL, 4).and(48)).convertShape(I2F, F, 0);
        d = FloatVector.broadcast(F, s[scale + 1]);
        s1 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 16 + COUNT), s1);
        w = (FloatVector) q2.and(15).or(h0.lanewise(LSHL, 2).and(48)).convertShape(I2F, F, 0);
        d = FloatVector.broadcast(F, s[scale + 2]);
        s1 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 32 + COUNT), s1);
        w = (FloatVector) q3.and(15).or(h1.lanewise(LSHL, 2).and(48)).convertShape(I2F, F, 0);
        d = FloatVector.broadcast(F, s[scale + 3]);
        s1 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 48 + COUNT), s1);
        w = (FloatVector) q0.lanewise(LSHR, 4).or(h0.and(48)).convertShape(I2F, F, 0);
        d = FloatVector.broadcast(F, s[scale + 4]);
        s1 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 64 + COUNT), s1);
        w = (FloatVector) q1.lanewise(LSHR, 4).or(h1.and(48)).convertShape(I2F, F, 0);
        d = FloatVector.broadcast(F, s[scale + 5]);
        s1 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 80 + COUNT), s1);
        w =
            (FloatVector)
                q2.lanewise(LSHR, 4).or(h0.lanewise(LSHR, 2).and(48)).convertShape(I2F, F, 0);
        d = FloatVector.broadcast(F, s[scale + 6]);
        s1 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 96 + COUNT), s1);
        w =
            (FloatVector)
                q3.lanewise(LSHR, 4).or(h1.lanewise(LSHR, 2).and(48)).convertShape(I2F, F, 0);
        d = FloatVector.broadcast(F, s[scale + 7]);
        s1 = w.fma(d, d.mul(-32f)).fma(FloatVector.fromArray(F, x, xt + 112 + COUNT), s1);
      }
    }
    s0.intoArray(s, si);
    if (STRIPS > 1) {
      s1.intoArray(s, si + COUNT);
    }
  }
}

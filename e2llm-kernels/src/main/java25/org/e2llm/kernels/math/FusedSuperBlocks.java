package org.e2llm.kernels.math;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static org.e2llm.kernels.math.FusedRows.X_1;
import static org.e2llm.kernels.math.Lanes.B;
import static org.e2llm.kernels.math.Lanes.BYTES_1;
import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.I;
import static org.e2llm.kernels.math.Lanes.PART_1;
import static org.e2llm.kernels.math.Lanes.STRIPS;
import static org.e2llm.kernels.math.VectorBlockFormats.half;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Fused rows of Q4_K and Q6_K. The scales of a block become floats when a pass gets there: in a
 * loop before, weights would be read from memory in leaps. That cost a tenth of the speed and more
 * with 512-bit vectors on a Zen 4, nothing that could be measured with 256.
 */
final class FusedSuperBlocks {
  private static final int BLOCK = 256;
  private static final int SCALES = 16;

  static final FusedRows Q4_K = of(FusedSuperBlocks::pairs);
  static final FusedRows Q6_K = of(FusedSuperBlocks::halves);

  /** As {@link FusedRows.Pass}, with room in {@code s} for the scales of either stream. */
  private interface Pass {
    void run(
        MemorySegment in,
        long a,
        long b,
        int o,
        int blocks,
        float[] x,
        int xi,
        float[] s,
        int si,
        int sj,
        int scales,
        int others);
  }

  private FusedSuperBlocks() {}

  private static FusedRows of(Pass pass) {
    return (in, a, b, n, x, xi, work, sumsAt, scalesAt) -> {
      int blocks = n / BLOCK;
      int s = sumsAt;
      int t = sumsAt + GROUP;
      if (STRIPS == 1) {
        pass.run(in, a, b, 0, blocks, x, xi, work, s, t, scalesAt, scalesAt + blocks * 2 * SCALES);
        return;
      }
      for (int o = 0; o < GROUP; o += 2 * COUNT) {
        pass.run(in, a, a, o, blocks, x, xi + o, work, s + o, s + o + COUNT, scalesAt, scalesAt);
        pass.run(in, b, b, o, blocks, x, xi + o, work, t + o, t + o + COUNT, scalesAt, scalesAt);
      }
    };
  }

  /**
   * Pairs of sub-blocks, four in each block, 64 weights in 32 bytes. Two strips of one row: where a
   * vector is a whole group, {@link FusedTables} does this type.
   */
  private static void pairs(
      MemorySegment in,
      long a,
      long b,
      int o,
      int blocks,
      float[] x,
      int xi,
      float[] s,
      int si,
      int sj,
      int scales,
      int others) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    for (int i = 0; i < 4 * blocks; i++) {
      long at = a + 16 + o + (i >> 2) * 144L + (i & 3) * 32;
      long bt = at + BYTES_1;
      int xt = xi + 64 * i;
      int scale = scales + (i >> 1) * 8 + (i & 1) * 2;
      if ((i & 3) == 0) {
        K4Scales.expand(in, a + (i >> 2) * 144L, s, scale);
      }
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
      q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, bt, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      r =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, bt + GROUP, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      s1 =
          ((FloatVector) q.and(15).convertShape(I2F, F, 0))
              .fma(d0, m0)
              .fma(FloatVector.fromArray(F, x, xt + X_1), s1);
      s1 =
          ((FloatVector) r.and(15).convertShape(I2F, F, 0))
              .fma(d0, m0)
              .fma(FloatVector.fromArray(F, x, xt + GROUP + X_1), s1);
      s1 =
          ((FloatVector) q.lanewise(LSHR, 4).convertShape(I2F, F, 0))
              .fma(d1, m1)
              .fma(FloatVector.fromArray(F, x, xt + 2 * GROUP + X_1), s1);
      s1 =
          ((FloatVector) r.lanewise(LSHR, 4).convertShape(I2F, F, 0))
              .fma(d1, m1)
              .fma(FloatVector.fromArray(F, x, xt + 3 * GROUP + X_1), s1);
    }
    s0.intoArray(s, si);
    s1.intoArray(s, sj);
  }

  /** 16 scales, and behind them what a weight of zero makes of each: 32 is the zero point. */
  private static void signedScales(MemorySegment in, long at, float[] out, int o) {
    Widen.bytes(in, at + 192, half(in, at + 208), out, o, COUNT);
    for (int k = 0; k < SCALES; k += COUNT) {
      FloatVector.fromArray(F, out, o + k).mul(-32f).intoArray(out, o + SCALES + k);
    }
  }

  /** Halves of blocks: 128 weights, 64 bytes of low and 32 of high bits. */
  private static void halves(
      MemorySegment in,
      long a,
      long b,
      int o,
      int blocks,
      float[] x,
      int xi,
      float[] s,
      int si,
      int sj,
      int scales,
      int others) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    for (int i = 0; i < 2 * blocks; i++) {
      if ((i & 1) == 0) {
        signedScales(in, a + (i >> 1) * 210L, s, scales + 16 * i);
        if (STRIPS == 1) {
          signedScales(in, b + (i >> 1) * 210L, s, others + 16 * i);
        }
      }
      long at = a + o + (i >> 1) * 210L + (i & 1) * 64;
      long high = a + o + (i >> 1) * 210L + 128 + (i & 1) * 32;
      int xt = xi + 128 * i;
      int scale = scales + (i >> 1) * 32 + (i & 1) * 8;
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
      FloatVector m = FloatVector.broadcast(F, s[scale + 16]);
      s0 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt), s0);
      w = (FloatVector) q1.and(15).or(h1.lanewise(LSHL, 4).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 1]);
      m = FloatVector.broadcast(F, s[scale + 17]);
      s0 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 16), s0);
      w = (FloatVector) q2.and(15).or(h0.lanewise(LSHL, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 2]);
      m = FloatVector.broadcast(F, s[scale + 18]);
      s0 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 32), s0);
      w = (FloatVector) q3.and(15).or(h1.lanewise(LSHL, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 3]);
      m = FloatVector.broadcast(F, s[scale + 19]);
      s0 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 48), s0);
      w = (FloatVector) q0.lanewise(LSHR, 4).or(h0.and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 4]);
      m = FloatVector.broadcast(F, s[scale + 20]);
      s0 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 64), s0);
      w = (FloatVector) q1.lanewise(LSHR, 4).or(h1.and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 5]);
      m = FloatVector.broadcast(F, s[scale + 21]);
      s0 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 80), s0);
      w =
          (FloatVector)
              q2.lanewise(LSHR, 4).or(h0.lanewise(LSHR, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 6]);
      m = FloatVector.broadcast(F, s[scale + 22]);
      s0 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 96), s0);
      w =
          (FloatVector)
              q3.lanewise(LSHR, 4).or(h1.lanewise(LSHR, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[scale + 7]);
      m = FloatVector.broadcast(F, s[scale + 23]);
      s0 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 112), s0);
      at = STRIPS > 1 ? at + BYTES_1 : b + (i >> 1) * 210L + (i & 1) * 64;
      high = STRIPS > 1 ? high + BYTES_1 : b + (i >> 1) * 210L + 128 + (i & 1) * 32;
      int other = STRIPS > 1 ? scale : others + (i >> 1) * 32 + (i & 1) * 8;
      q0 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      q1 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at + 16, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      q2 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at + 32, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      q3 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at + 48, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      h0 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, high, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      h1 =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, high + 16, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      w = (FloatVector) q0.and(15).or(h0.lanewise(LSHL, 4).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[other]);
      m = FloatVector.broadcast(F, s[other + 16]);
      s1 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + X_1), s1);
      w = (FloatVector) q1.and(15).or(h1.lanewise(LSHL, 4).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[other + 1]);
      m = FloatVector.broadcast(F, s[other + 17]);
      s1 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 16 + X_1), s1);
      w = (FloatVector) q2.and(15).or(h0.lanewise(LSHL, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[other + 2]);
      m = FloatVector.broadcast(F, s[other + 18]);
      s1 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 32 + X_1), s1);
      w = (FloatVector) q3.and(15).or(h1.lanewise(LSHL, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[other + 3]);
      m = FloatVector.broadcast(F, s[other + 19]);
      s1 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 48 + X_1), s1);
      w = (FloatVector) q0.lanewise(LSHR, 4).or(h0.and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[other + 4]);
      m = FloatVector.broadcast(F, s[other + 20]);
      s1 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 64 + X_1), s1);
      w = (FloatVector) q1.lanewise(LSHR, 4).or(h1.and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[other + 5]);
      m = FloatVector.broadcast(F, s[other + 21]);
      s1 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 80 + X_1), s1);
      w =
          (FloatVector)
              q2.lanewise(LSHR, 4).or(h0.lanewise(LSHR, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[other + 6]);
      m = FloatVector.broadcast(F, s[other + 22]);
      s1 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 96 + X_1), s1);
      w =
          (FloatVector)
              q3.lanewise(LSHR, 4).or(h1.lanewise(LSHR, 2).and(48)).convertShape(I2F, F, 0);
      d = FloatVector.broadcast(F, s[other + 7]);
      m = FloatVector.broadcast(F, s[other + 23]);
      s1 = w.fma(d, m).fma(FloatVector.fromArray(F, x, xt + 112 + X_1), s1);
    }
    s0.intoArray(s, si);
    s1.intoArray(s, sj);
  }
}

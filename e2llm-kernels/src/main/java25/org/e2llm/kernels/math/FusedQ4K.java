package org.e2llm.kernels.math;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.I2F;
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

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Fused rows of Q4_K. Scales become floats a few blocks ahead: between the weights they would be
 * waited for on their long way through registers, and for a whole row at once, memory would be read
 * in leaps.
 *
 * <p>A scale comes to all lanes by a load of an int ({@code vpbroadcastd}). A load of a float
 * ({@code vbroadcastss}) takes a shuffle port of Zen 4, as long as a conversion does.
 *
 * <p>Measured on two cores of a Zen 4, from memory: 26 Gweights/s, 23.5 with floats and without
 * going ahead. The loop without scales makes 20 on one core, with scales 14; the same in C 23 and
 * 20: C2 checks bounds, has too few registers for addresses, and needs 75 instructions for the
 * scales of a block.
 */
final class FusedQ4K {
  private static final int BLOCK = 256;
  private static final int BYTES = 144;

  /** Blocks whose scales are expanded together; all where a row takes more than one pass. */
  private static final int AHEAD = 4;

  /** Where the scales of the second stream begin: the same but where it is another row. */
  private static final int OTHERS = STRIPS == 1 ? AHEAD * K4Scales.COUNT : 0;

  private FusedQ4K() {}

  static void multiply(
      MemorySegment in, long a, long b, int n, float[] x, int xi, float[] sums, Scratch scratch) {
    int blocks = n / BLOCK;
    int ahead = STRIPS > 2 ? blocks : AHEAD;
    int[] scales = scratch.ints(2 * ahead * K4Scales.COUNT);
    if (STRIPS == 1) {
      pass(in, a, b, 0, blocks, x, xi, sums, 0, GROUP, scales, ahead);
      return;
    }
    for (int t = 0; t < 2 * GROUP; t += 2 * COUNT) {
      long row = t < GROUP ? a : b;
      int o = t % GROUP;
      pass(in, row, row, o, blocks, x, xi + o, sums, t, t + COUNT, scales, ahead);
    }
  }

  /** {@link FusedRows.Pass} by pairs of sub-blocks, four in each block: 64 weights in 32 bytes. */
  private static void pass(
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
      int[] scales,
      int ahead) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    for (int k = 0; k < blocks; k += ahead) {
      int some = Math.min(ahead, blocks - k);
      if (STRIPS <= 2 || o == 0) {
        K4Scales.expand(in, a + (long) k * BYTES, some, scales, 0);
      }
      if (STRIPS == 1) {
        K4Scales.expand(in, b + (long) k * BYTES, some, scales, OTHERS);
      }
      long ak = a + 16 + o + (long) k * BYTES;
      long bk = b + 16 + o + (long) k * BYTES + BYTES_1;
      for (int i = 0; i < 4 * some; i++) {
        long at = ak + (i >> 2) * 144L + (i & 3) * 32;
        long bt = bk + (i >> 2) * 144L + (i & 3) * 32;
        int xt = xi + BLOCK * k + 64 * i;
        int c = 4 * i;
        int e = OTHERS + 4 * i;
        FloatVector d0;
        FloatVector d1;
        FloatVector m0;
        FloatVector m1;
        IntVector q;
        IntVector r;
        d0 = IntVector.broadcast(I, scales[c]).viewAsFloatingLanes();
        d1 = IntVector.broadcast(I, scales[c + 1]).viewAsFloatingLanes();
        m0 = IntVector.broadcast(I, scales[c + 2]).viewAsFloatingLanes();
        m1 = IntVector.broadcast(I, scales[c + 3]).viewAsFloatingLanes();
        q =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, at, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, 0);
        r =
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
        d0 = IntVector.broadcast(I, scales[e]).viewAsFloatingLanes();
        d1 = IntVector.broadcast(I, scales[e + 1]).viewAsFloatingLanes();
        m0 = IntVector.broadcast(I, scales[e + 2]).viewAsFloatingLanes();
        m1 = IntVector.broadcast(I, scales[e + 3]).viewAsFloatingLanes();
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
    }
    s0.intoArray(s, si);
    s1.intoArray(s, sj);
  }
}

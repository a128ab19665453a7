package org.e2llm.kernels.math;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.IS_FINITE;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static org.e2llm.kernels.math.Lanes.B;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.I;
import static org.e2llm.kernels.math.VectorBlockFormats.half;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Fused rows of the four-bit types where a vector is a whole group: the 16 weights that a nibble of
 * a block can stand for are computed once per block and looked up by a permutation, which takes the
 * place of a conversion and an FMA per group. Only for 16 lanes, a weight for each nibble.
 *
 * <p>Measured on one core of a Zen 4, in the L2 cache: Q4_0 16.9 Gweights/s, 15 with a conversion.
 * The same loop in C makes 17.7, and 20.5 without the four ANDs that {@code selectFrom} adds to
 * wrap its indices. A table of all halves as ints, for scales that a load brings to all lanes, made
 * 20.5 from that cache, but 14 from memory: reads here and there put the prefetcher out of step.
 */
final class FusedTables {
  private static final FloatVector NIBBLES =
      (FloatVector) IntVector.zero(I).addIndex(1).convertShape(I2F, F, 0);
  private static final FloatVector CENTRED = NIBBLES.sub(8f);

  private FusedTables() {}

  /**
   * The products of the table are exact. Only where a scale is no finite number do they differ from
   * the reference; such a row is done again as that does it. So is a row of an odd number of blocks
   * from the start: the loop takes two in a turn.
   */
  static void q4_0(
      MemorySegment in, long a, long b, int n, float[] x, int xi, float[] sums, Scratch scratch) {
    if (n % 64 != 0 || !centred(in, a, b, n / 32 * 18, x, xi, sums)) {
      FusedNibbles.Q4_0.multiply(in, a, b, n, x, xi, sums, scratch);
    }
  }

  /**
   * Whether all sums are finite. The loop counts in bytes and ends with {@code !=}, for C2 no
   * counted loop: what it would make of one (a turn before and one behind the loop, with all checks
   * in them) takes longer here than the checks it saves. With two blocks in a turn the method is
   * also too large to be inlined (FreqInlineSize), which keeps the registers of its callers out of
   * the loop: a tenth of the speed.
   */
  private static boolean centred(
      MemorySegment in, long a, long b, int bytes, float[] x, int xi, float[] s) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    for (int i = 0, xt = xi; i != bytes; i += 36, xt += 4 * GROUP) {
      IntVector t;
      IntVector u;
      FloatVector x0;
      FloatVector x1;
      IntVector q;
      t = CENTRED.mul(half(in, a + i)).viewAsIntegralLanes();
      u = CENTRED.mul(half(in, b + i)).viewAsIntegralLanes();
      x0 = FloatVector.fromArray(F, x, xt);
      x1 = FloatVector.fromArray(F, x, xt + GROUP);
      q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, a + i + 2, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      s0 = q.selectFrom(t).viewAsFloatingLanes().fma(x0, s0);
      s0 = q.lanewise(LSHR, 4).selectFrom(t).viewAsFloatingLanes().fma(x1, s0);
      q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, b + i + 2, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      s1 = q.selectFrom(u).viewAsFloatingLanes().fma(x0, s1);
      s1 = q.lanewise(LSHR, 4).selectFrom(u).viewAsFloatingLanes().fma(x1, s1);
      t = CENTRED.mul(half(in, a + i + 18)).viewAsIntegralLanes();
      u = CENTRED.mul(half(in, b + i + 18)).viewAsIntegralLanes();
      x0 = FloatVector.fromArray(F, x, xt + 2 * GROUP);
      x1 = FloatVector.fromArray(F, x, xt + 3 * GROUP);
      q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, a + i + 20, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      s0 = q.selectFrom(t).viewAsFloatingLanes().fma(x0, s0);
      s0 = q.lanewise(LSHR, 4).selectFrom(t).viewAsFloatingLanes().fma(x1, s0);
      q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, b + i + 20, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      s1 = q.selectFrom(u).viewAsFloatingLanes().fma(x0, s1);
      s1 = q.lanewise(LSHR, 4).selectFrom(u).viewAsFloatingLanes().fma(x1, s1);
    }
    s0.intoArray(s, 0);
    s1.intoArray(s, GROUP);
    return s0.test(IS_FINITE).and(s1.test(IS_FINITE)).allTrue();
  }

  static void q4_1(
      MemorySegment in, long a, long b, int n, float[] x, int xi, float[] sums, Scratch scratch) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    int bytes = n / 32 * 20;
    for (int i = 0, xt = xi; i != bytes; i += 20, xt += 32) {
      IntVector t =
          NIBBLES
              .fma(
                  FloatVector.broadcast(F, half(in, a + i)),
                  FloatVector.broadcast(F, half(in, a + i + 2)))
              .viewAsIntegralLanes();
      IntVector u =
          NIBBLES
              .fma(
                  FloatVector.broadcast(F, half(in, b + i)),
                  FloatVector.broadcast(F, half(in, b + i + 2)))
              .viewAsIntegralLanes();
      FloatVector x0 = FloatVector.fromArray(F, x, xt);
      FloatVector x1 = FloatVector.fromArray(F, x, xt + GROUP);
      IntVector q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, a + i + 4, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      s0 = q.selectFrom(t).viewAsFloatingLanes().fma(x0, s0);
      s0 = q.lanewise(LSHR, 4).selectFrom(t).viewAsFloatingLanes().fma(x1, s0);
      q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, b + i + 4, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      s1 = q.selectFrom(u).viewAsFloatingLanes().fma(x0, s1);
      s1 = q.lanewise(LSHR, 4).selectFrom(u).viewAsFloatingLanes().fma(x1, s1);
    }
    s0.intoArray(sums, 0);
    s1.intoArray(sums, GROUP);
  }
}

package org.e2llm.kernels.math;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.S2I;
import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.I;
import static org.e2llm.kernels.math.Lanes.S;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Fused rows of F32, F16 and BF16. */
final class FusedFloats {
  /** The exponent of an infinity or NaN in a half that was shifted left by 13. */
  private static final int SPECIAL_EXPONENT = 0x0f800000;

  private FusedFloats() {}

  static void f32(
      MemorySegment in, long a, long b, int n, float[] x, int xi, float[] sums, Scratch scratch) {
    for (int h = 0; h < STRIPS; h += 2) {
      int o = h * COUNT;
      f32Strips(in, a + 4L * o, b + 4L * o, n / GROUP, x, xi + o, sums, o);
    }
  }

  static void bf16(
      MemorySegment in, long a, long b, int n, float[] x, int xi, float[] sums, Scratch scratch) {
    for (int h = 0; h < STRIPS; h += 2) {
      int o = h * COUNT;
      bf16Strips(in, a + 2L * o, b + 2L * o, n / GROUP, x, xi + o, sums, o);
    }
  }

  /**
   * Infinities and NaN need more than a shift and a product. Weights have none, so the loop only
   * notes whether it met one; then both rows are done again with care.
   */
  static void f16(
      MemorySegment in, long a, long b, int n, float[] x, int xi, float[] sums, Scratch scratch) {
    boolean finite = true;
    for (int h = 0; h < STRIPS; h += 2) {
      int o = h * COUNT;
      finite &= f16Strips(in, a + 2L * o, b + 2L * o, n / GROUP, x, xi + o, sums, o);
    }
    if (!finite) {
      carefully(in, a, n, x, xi, sums, 0);
      carefully(in, b, n, x, xi, sums, GROUP);
    }
  }

  private static void f32Strips(
      MemorySegment in, long a, long b, int groups, float[] x, int xi, float[] s, int si) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    for (int i = 0; i < groups; i++) {
      long at = a + i * 64L;
      long bt = b + i * 64L;
      int xt = xi + GROUP * i;
      FloatVector x0 = FloatVector.fromArray(F, x, xt);
      a0 = FloatVector.fromMemorySegment(F, in, at, LITTLE_ENDIAN).fma(x0, a0);
      b0 = FloatVector.fromMemorySegment(F, in, bt, LITTLE_ENDIAN).fma(x0, b0);
      if (STRIPS > 1) {
        FloatVector x1 = FloatVector.fromArray(F, x, xt + COUNT);
        a1 = FloatVector.fromMemorySegment(F, in, at + 4 * COUNT, LITTLE_ENDIAN).fma(x1, a1);
        b1 = FloatVector.fromMemorySegment(F, in, bt + 4 * COUNT, LITTLE_ENDIAN).fma(x1, b1);
      }
    }
    a0.intoArray(s, si);
    b0.intoArray(s, si + GROUP);
    if (STRIPS > 1) {
      a1.intoArray(s, si + COUNT);
      b1.intoArray(s, si + GROUP + COUNT);
    }
  }

  private static void bf16Strips(
      MemorySegment in, long a, long b, int groups, float[] x, int xi, float[] s, int si) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    for (int i = 0; i < groups; i++) {
      long at = a + i * 32L;
      long bt = b + i * 32L;
      FloatVector x0 = FloatVector.fromArray(F, x, xi + GROUP * i);
      a0 =
          ((IntVector)
                  ShortVector.fromMemorySegment(S, in, at, LITTLE_ENDIAN).convertShape(S2I, I, 0))
              .lanewise(LSHL, 16)
              .viewAsFloatingLanes()
              .fma(x0, a0);
      b0 =
          ((IntVector)
                  ShortVector.fromMemorySegment(S, in, bt, LITTLE_ENDIAN).convertShape(S2I, I, 0))
              .lanewise(LSHL, 16)
              .viewAsFloatingLanes()
              .fma(x0, b0);
      if (STRIPS > 1) {
        FloatVector x1 = FloatVector.fromArray(F, x, xi + GROUP * i + COUNT);
        a1 =
            ((IntVector)
                    ShortVector.fromMemorySegment(S, in, at + 2 * COUNT, LITTLE_ENDIAN)
                        .convertShape(S2I, I, 0))
                .lanewise(LSHL, 16)
                .viewAsFloatingLanes()
                .fma(x1, a1);
        b1 =
            ((IntVector)
                    ShortVector.fromMemorySegment(S, in, bt + 2 * COUNT, LITTLE_ENDIAN)
                        .convertShape(S2I, I, 0))
                .lanewise(LSHL, 16)
                .viewAsFloatingLanes()
                .fma(x1, b1);
      }
    }
    a0.intoArray(s, si);
    b0.intoArray(s, si + GROUP);
    if (STRIPS > 1) {
      a1.intoArray(s, si + COUNT);
      b1.intoArray(s, si + GROUP + COUNT);
    }
  }

  /** Whether there was no infinity or NaN. */
  private static boolean f16Strips(
      MemorySegment in, long a, long b, int groups, float[] x, int xi, float[] s, int si) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    IntVector exponents = IntVector.zero(I);
    for (int i = 0; i < groups; i++) {
      long at = a + i * 32L;
      long bt = b + i * 32L;
      FloatVector x0 = FloatVector.fromArray(F, x, xi + GROUP * i);
      IntVector q =
          ((IntVector)
                  ShortVector.fromMemorySegment(S, in, at, LITTLE_ENDIAN).convertShape(S2I, I, 0))
              .lanewise(LSHL, 13);
      exponents = exponents.max(q.and(SPECIAL_EXPONENT));
      a0 = q.and(0x8fffe000).viewAsFloatingLanes().mul(Half.BIAS).fma(x0, a0);
      q =
          ((IntVector)
                  ShortVector.fromMemorySegment(S, in, bt, LITTLE_ENDIAN).convertShape(S2I, I, 0))
              .lanewise(LSHL, 13);
      exponents = exponents.max(q.and(SPECIAL_EXPONENT));
      b0 = q.and(0x8fffe000).viewAsFloatingLanes().mul(Half.BIAS).fma(x0, b0);
      if (STRIPS > 1) {
        FloatVector x1 = FloatVector.fromArray(F, x, xi + GROUP * i + COUNT);
        q =
            ((IntVector)
                    ShortVector.fromMemorySegment(S, in, at + 2 * COUNT, LITTLE_ENDIAN)
                        .convertShape(S2I, I, 0))
                .lanewise(LSHL, 13);
        exponents = exponents.max(q.and(SPECIAL_EXPONENT));
        a1 = q.and(0x8fffe000).viewAsFloatingLanes().mul(Half.BIAS).fma(x1, a1);
        q =
            ((IntVector)
                    ShortVector.fromMemorySegment(S, in, bt + 2 * COUNT, LITTLE_ENDIAN)
                        .convertShape(S2I, I, 0))
                .lanewise(LSHL, 13);
        exponents = exponents.max(q.and(SPECIAL_EXPONENT));
        b1 = q.and(0x8fffe000).viewAsFloatingLanes().mul(Half.BIAS).fma(x1, b1);
      }
    }
    a0.intoArray(s, si);
    b0.intoArray(s, si + GROUP);
    if (STRIPS > 1) {
      a1.intoArray(s, si + COUNT);
      b1.intoArray(s, si + GROUP + COUNT);
    }
    return !exponents.compare(VectorOperators.EQ, SPECIAL_EXPONENT).anyTrue();
  }

  private static void carefully(
      MemorySegment in, long at, int n, float[] x, int xi, float[] s, int si) {
    Arrays.fill(s, si, si + GROUP, 0f);
    for (int k = 0; k < n; k++) {
      float w = Half.toFloat(in.get(VectorBlockFormats.SHORT, at + 2L * k));
      s[si + k % GROUP] = Math.fma(w, x[xi + k], s[si + k % GROUP]);
    }
  }
}

package org.e2llm.kernels.math;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static org.e2llm.kernels.math.FusedRows.X_1;
import static org.e2llm.kernels.math.Lanes.B;
import static org.e2llm.kernels.math.Lanes.BYTES_1;
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

/** Fused rows of Q4_0 and Q4_1. */
final class FusedNibbles {
  static final FusedRows Q4_0 = FusedRows.ofPasses(FusedNibbles::centred);
  static final FusedRows Q4_1 = FusedRows.ofPasses(FusedNibbles::shifted);

  private FusedNibbles() {}

  /** Zero point 8. */
  private static void centred(
      MemorySegment in,
      long a,
      long b,
      int o,
      int blocks,
      float[] x,
      int xi,
      float[] s,
      int si,
      int sj) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    for (int i = 0; i < blocks; i++) {
      float scale = half(in, a + i * 18L);
      float other = STRIPS > 1 ? scale : half(in, b + i * 18L);
      FloatVector d = FloatVector.broadcast(F, scale);
      FloatVector m = FloatVector.broadcast(F, -8f * scale);
      FloatVector e = STRIPS > 1 ? d : FloatVector.broadcast(F, other);
      FloatVector k = STRIPS > 1 ? m : FloatVector.broadcast(F, -8f * other);
      long at = a + i * 18L + 2 + o;
      long bt = STRIPS > 1 ? at + BYTES_1 : b + i * 18L + 2;
      int xt = xi + 32 * i;
      FloatVector x0 = FloatVector.fromArray(F, x, xt);
      FloatVector x1 = FloatVector.fromArray(F, x, xt + GROUP);
      IntVector q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      s0 = ((FloatVector) q.and(15).convertShape(I2F, F, 0)).fma(d, m).fma(x0, s0);
      s0 = ((FloatVector) q.lanewise(LSHR, 4).convertShape(I2F, F, 0)).fma(d, m).fma(x1, s0);
      x0 = FloatVector.fromArray(F, x, xt + X_1);
      x1 = FloatVector.fromArray(F, x, xt + GROUP + X_1);
      q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, bt, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      s1 = ((FloatVector) q.and(15).convertShape(I2F, F, 0)).fma(e, k).fma(x0, s1);
      s1 = ((FloatVector) q.lanewise(LSHR, 4).convertShape(I2F, F, 0)).fma(e, k).fma(x1, s1);
    }
    s0.intoArray(s, si);
    s1.intoArray(s, sj);
  }

  /** A minimum of its own. */
  private static void shifted(
      MemorySegment in,
      long a,
      long b,
      int o,
      int blocks,
      float[] x,
      int xi,
      float[] s,
      int si,
      int sj) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    for (int i = 0; i < blocks; i++) {
      FloatVector d = FloatVector.broadcast(F, half(in, a + i * 20L));
      FloatVector m = FloatVector.broadcast(F, half(in, a + i * 20L + 2));
      FloatVector e = STRIPS > 1 ? d : FloatVector.broadcast(F, half(in, b + i * 20L));
      FloatVector k = STRIPS > 1 ? m : FloatVector.broadcast(F, half(in, b + i * 20L + 2));
      long at = a + i * 20L + 4 + o;
      long bt = STRIPS > 1 ? at + BYTES_1 : b + i * 20L + 4;
      int xt = xi + 32 * i;
      FloatVector x0 = FloatVector.fromArray(F, x, xt);
      FloatVector x1 = FloatVector.fromArray(F, x, xt + GROUP);
      IntVector q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      s0 = ((FloatVector) q.and(15).convertShape(I2F, F, 0)).fma(d, m).fma(x0, s0);
      s0 = ((FloatVector) q.lanewise(LSHR, 4).convertShape(I2F, F, 0)).fma(d, m).fma(x1, s0);
      x0 = FloatVector.fromArray(F, x, xt + X_1);
      x1 = FloatVector.fromArray(F, x, xt + GROUP + X_1);
      q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, bt, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      s1 = ((FloatVector) q.and(15).convertShape(I2F, F, 0)).fma(e, k).fma(x0, s1);
      s1 = ((FloatVector) q.lanewise(LSHR, 4).convertShape(I2F, F, 0)).fma(e, k).fma(x1, s1);
    }
    s0.intoArray(s, si);
    s1.intoArray(s, sj);
  }
}

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
import static org.e2llm.kernels.math.VectorBlockFormats.INT;
import static org.e2llm.kernels.math.VectorBlockFormats.half;
import static org.e2llm.kernels.math.Widen.LANE;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Fused rows of Q5_0 and Q5_1; the fifth bits are shifted to lanes by their numbers. */
final class FusedFiveBits {
  /** The fifth bits of at most 16 lanes, four to the left of where they were. */
  private static final int BITS = 0xffff0;

  static final FusedRows Q5_0 = FusedRows.ofPasses(FusedFiveBits::centred);
  static final FusedRows Q5_1 = FusedRows.ofPasses(FusedFiveBits::shifted);

  private FusedFiveBits() {}

  /** Zero point 16. */
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
      float scale = half(in, a + i * 22L);
      float other = STRIPS > 1 ? scale : half(in, b + i * 22L);
      FloatVector d = FloatVector.broadcast(F, scale);
      FloatVector m = FloatVector.broadcast(F, -16f * scale);
      FloatVector e = STRIPS > 1 ? d : FloatVector.broadcast(F, other);
      FloatVector k = STRIPS > 1 ? m : FloatVector.broadcast(F, -16f * other);
      long at = a + i * 22L + 6 + o;
      long bt = STRIPS > 1 ? at + BYTES_1 : b + i * 22L + 6;
      int low = in.get(INT, a + i * 22L + 2) >>> o;
      int high = low >>> 16;
      int xt = xi + 32 * i;
      FloatVector x0 = FloatVector.fromArray(F, x, xt);
      FloatVector x1 = FloatVector.fromArray(F, x, xt + GROUP);
      IntVector q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      IntVector r =
          IntVector.broadcast(I, low << 4 & BITS).lanewise(LSHR, LANE).and(16).or(q.and(15));
      s0 = ((FloatVector) r.convertShape(I2F, F, 0)).fma(d, m).fma(x0, s0);
      r =
          IntVector.broadcast(I, high << 4 & BITS)
              .lanewise(LSHR, LANE)
              .and(16)
              .or(q.lanewise(LSHR, 4));
      s0 = ((FloatVector) r.convertShape(I2F, F, 0)).fma(d, m).fma(x1, s0);
      low = STRIPS > 1 ? low >>> COUNT : in.get(INT, b + i * 22L + 2);
      high = STRIPS > 1 ? high >>> COUNT : low >>> 16;
      x0 = FloatVector.fromArray(F, x, xt + X_1);
      x1 = FloatVector.fromArray(F, x, xt + GROUP + X_1);
      q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, bt, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      r = IntVector.broadcast(I, low << 4 & BITS).lanewise(LSHR, LANE).and(16).or(q.and(15));
      s1 = ((FloatVector) r.convertShape(I2F, F, 0)).fma(e, k).fma(x0, s1);
      r =
          IntVector.broadcast(I, high << 4 & BITS)
              .lanewise(LSHR, LANE)
              .and(16)
              .or(q.lanewise(LSHR, 4));
      s1 = ((FloatVector) r.convertShape(I2F, F, 0)).fma(e, k).fma(x1, s1);
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
      FloatVector d = FloatVector.broadcast(F, half(in, a + i * 24L));
      FloatVector m = FloatVector.broadcast(F, half(in, a + i * 24L + 2));
      FloatVector e = STRIPS > 1 ? d : FloatVector.broadcast(F, half(in, b + i * 24L));
      FloatVector k = STRIPS > 1 ? m : FloatVector.broadcast(F, half(in, b + i * 24L + 2));
      long at = a + i * 24L + 8 + o;
      long bt = STRIPS > 1 ? at + BYTES_1 : b + i * 24L + 8;
      int low = in.get(INT, a + i * 24L + 4) >>> o;
      int high = low >>> 16;
      int xt = xi + 32 * i;
      FloatVector x0 = FloatVector.fromArray(F, x, xt);
      FloatVector x1 = FloatVector.fromArray(F, x, xt + GROUP);
      IntVector q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      IntVector r =
          IntVector.broadcast(I, low << 4 & BITS).lanewise(LSHR, LANE).and(16).or(q.and(15));
      s0 = ((FloatVector) r.convertShape(I2F, F, 0)).fma(d, m).fma(x0, s0);
      r =
          IntVector.broadcast(I, high << 4 & BITS)
              .lanewise(LSHR, LANE)
              .and(16)
              .or(q.lanewise(LSHR, 4));
      s0 = ((FloatVector) r.convertShape(I2F, F, 0)).fma(d, m).fma(x1, s0);
      low = STRIPS > 1 ? low >>> COUNT : in.get(INT, b + i * 24L + 4);
      high = STRIPS > 1 ? high >>> COUNT : low >>> 16;
      x0 = FloatVector.fromArray(F, x, xt + X_1);
      x1 = FloatVector.fromArray(F, x, xt + GROUP + X_1);
      q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, bt, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, PART_1);
      r = IntVector.broadcast(I, low << 4 & BITS).lanewise(LSHR, LANE).and(16).or(q.and(15));
      s1 = ((FloatVector) r.convertShape(I2F, F, 0)).fma(e, k).fma(x0, s1);
      r =
          IntVector.broadcast(I, high << 4 & BITS)
              .lanewise(LSHR, LANE)
              .and(16)
              .or(q.lanewise(LSHR, 4));
      s1 = ((FloatVector) r.convertShape(I2F, F, 0)).fma(e, k).fma(x1, s1);
    }
    s0.intoArray(s, si);
    s1.intoArray(s, sj);
  }
}

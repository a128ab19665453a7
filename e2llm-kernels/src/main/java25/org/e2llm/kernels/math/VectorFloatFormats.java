package org.e2llm.kernels.math;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.S2I;
import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.I;
import static org.e2llm.kernels.math.Lanes.S;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/** {@link FloatFormats} in vectors. */
final class VectorFloatFormats {
  private VectorFloatFormats() {}

  static void f32(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int h = 0; h < STRIPS; h++) {
      int to = o + h * ss;
      long from = at + 4L * h * COUNT;
      for (int i = 0; i < n; i += GROUP, to += gs) {
        FloatVector.fromMemorySegment(F, in, from + 4L * i, LITTLE_ENDIAN).intoArray(out, to);
      }
    }
  }

  static void bf16(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int h = 0; h < STRIPS; h++) {
      int to = o + h * ss;
      long from = at + 2L * h * COUNT;
      for (int i = 0; i < n; i += GROUP, to += gs) {
        ((IntVector)
                ShortVector.fromMemorySegment(S, in, from + 2L * i, LITTLE_ENDIAN)
                    .convertShape(S2I, I, 0))
            .lanewise(LSHL, 16)
            .viewAsFloatingLanes()
            .intoArray(out, to);
      }
    }
  }

  /**
   * Infinities and NaN need more than a shift and a product. Weights have none, so the vector loop
   * only notes whether it met one; then everything is done again with care.
   */
  static void f16(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    boolean finite = true;
    for (int h = 0; h < STRIPS; h++) {
      finite &= f16Finite(in, at + 2L * h * COUNT, n, out, o + h * ss, gs);
    }
    for (int i = 0; i < n && !finite; i++) {
      int lane = i % GROUP;
      int to = o + i / GROUP * gs + lane / COUNT * ss + lane % COUNT;
      out[to] = Half.toFloat(in.get(VectorBlockFormats.SHORT, at + 2L * i));
    }
  }

  private static boolean f16Finite(MemorySegment in, long at, int n, float[] out, int o, int gs) {
    IntVector exponents = IntVector.zero(I);
    for (int i = 0; i < n; i += GROUP, o += gs) {
      IntVector bits =
          ((IntVector)
                  ShortVector.fromMemorySegment(S, in, at + 2L * i, LITTLE_ENDIAN)
                      .convertShape(S2I, I, 0))
              .lanewise(LSHL, 13);
      exponents = exponents.max(bits.and(VectorMath.SPECIAL_EXPONENT));
      bits.and(0x8fffe000).viewAsFloatingLanes().mul(Half.BIAS).intoArray(out, o);
    }
    return !exponents.compare(EQ, VectorMath.SPECIAL_EXPONENT).anyTrue();
  }
}

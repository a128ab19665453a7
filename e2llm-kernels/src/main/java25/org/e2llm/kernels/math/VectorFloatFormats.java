package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** {@link FloatFormats} in vectors. */
final class VectorFloatFormats {
  private VectorFloatFormats() {}

  static void f32(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += GROUP, o += gs) {
      for (int h = 0; h < STRIPS; h++) {
        FloatVector.fromMemorySegment(F, in, at + 4L * (i + h * COUNT), ByteOrder.LITTLE_ENDIAN)
            .intoArray(out, o + h * ss);
      }
    }
  }

  /**
   * Infinities and NaN need more than a shift and a product. Weights have none, so the vector loop
   * only notes whether it met one; then everything is done again with care.
   */
  static void f16(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    if (f16Finite(in, at, n, out, o, gs, ss)) {
      return;
    }
    for (int i = 0; i < n; i++) {
      int lane = i % GROUP;
      int to = o + i / GROUP * gs + lane / COUNT * ss + lane % COUNT;
      out[to] = Half.toFloat(in.get(VectorBlockFormats.SHORT, at + 2L * i));
    }
  }

  private static boolean f16Finite(
      MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    IntVector exponents = IntVector.zero(Lanes.I);
    for (int i = 0; i < n; i += GROUP, o += gs) {
      for (int h = 0; h < STRIPS; h++) {
        IntVector bits = Lanes.shorts(in, at + 2L * i, h).lanewise(VectorOperators.LSHL, 13);
        exponents = exponents.max(bits.and(VectorMath.SPECIAL_EXPONENT));
        bits.and(0x8fffe000).viewAsFloatingLanes().mul(Half.BIAS).intoArray(out, o + h * ss);
      }
    }
    return !exponents.compare(VectorOperators.EQ, VectorMath.SPECIAL_EXPONENT).anyTrue();
  }

  static void bf16(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += GROUP, o += gs) {
      for (int h = 0; h < STRIPS; h++) {
        VectorMath.bfloatToFloat(Lanes.shorts(in, at + 2L * i, h)).intoArray(out, o + h * ss);
      }
    }
  }
}

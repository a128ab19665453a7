package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;

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

  static void f16(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += GROUP, o += gs) {
      for (int h = 0; h < STRIPS; h++) {
        VectorMath.halfToFloat(Lanes.shorts(in, at + 2L * i, h)).intoArray(out, o + h * ss);
      }
    }
  }

  static void bf16(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += GROUP, o += gs) {
      for (int h = 0; h < STRIPS; h++) {
        VectorMath.bfloatToFloat(Lanes.shorts(in, at + 2L * i, h)).intoArray(out, o + h * ss);
      }
    }
  }
}

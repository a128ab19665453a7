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
   * A plain row of any length. This loop C2 turns into the conversion instructions of the CPU by
   * itself, which the Vector API does not offer: twice as fast as shifts and a product, with the
   * copy into a panel.
   */
  static void f16(MemorySegment in, long at, int n, float[] out, int o) {
    for (int i = 0; i < n; i++) {
      out[o + i] = Float.float16ToFloat(in.get(VectorBlockFormats.SHORT, at + 2L * i));
    }
  }
}

package org.e2llm.kernels.math;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static org.e2llm.kernels.math.VectorBlockFormats.INT;
import static org.e2llm.kernels.math.VectorBlockFormats.half;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The scales and minimums of the eight sub-blocks of Q4_K, as floats: a third of a row's time where
 * it is done one by one.
 */
final class K4Scales {
  private static final VectorSpecies<Integer> I8 = IntVector.SPECIES_256;
  private static final VectorSpecies<Float> F8 = FloatVector.SPECIES_256;

  /** The low halves of four bytes of an int, then the high halves. */
  private static final IntVector HALVES =
      IntVector.fromArray(I8, new int[] {0, 8, 16, 24, 4, 12, 20, 28}, 0);

  private static final VectorMask<Float> MINIMUMS =
      VectorMask.fromValues(F8, false, false, false, false, true, true, true, true);

  private K4Scales() {}

  /**
   * Writes 16 floats: four scales, four minimums, the other four scales, the other four minimums;
   * all minimums negative, as they are added.
   *
   * @param at the block
   */
  static void expand(MemorySegment in, long at, float[] out, int o) {
    if (Lanes.COUNT < 8) {
      oneByOne(in, at, out, o);
    } else {
      together(in, at, out, o);
    }
  }

  private static void together(MemorySegment in, long at, float[] out, int o) {
    FloatVector factor = FloatVector.broadcast(F8, half(in, at)).blend(-half(in, at + 2), MINIMUMS);
    IntVector first =
        (IntVector)
            ByteVector.fromMemorySegment(ByteVector.SPECIES_64, in, at + 4, LITTLE_ENDIAN)
                .convertShape(ZERO_EXTEND_B2I, I8, 0);
    IntVector second = IntVector.broadcast(I8, in.get(INT, at + 12)).lanewise(LSHR, HALVES).and(15);
    second = first.lanewise(LSHR, 6).lanewise(LSHL, 4).or(second);
    ((FloatVector) first.and(63).convertShape(I2F, F8, 0)).mul(factor).intoArray(out, o);
    ((FloatVector) second.convertShape(I2F, F8, 0)).mul(factor).intoArray(out, o + 8);
  }

  private static void oneByOne(MemorySegment in, long at, float[] out, int o) {
    float d = half(in, at);
    float dmin = -half(in, at + 2);
    int low = in.get(INT, at + 4);
    int mid = in.get(INT, at + 8);
    int top = in.get(INT, at + 12);
    int scaleTop = top & 0x0f0f0f0f | low >>> 2 & 0x30303030;
    int minimumTop = top >>> 4 & 0x0f0f0f0f | mid >>> 2 & 0x30303030;
    for (int i = 0; i < 4; i++) {
      out[o + i] = d * (low >>> 8 * i & 63);
      out[o + 4 + i] = dmin * (mid >>> 8 * i & 63);
      out[o + 8 + i] = d * (scaleTop >>> 8 * i & 63);
      out[o + 12 + i] = dmin * (minimumTop >>> 8 * i & 63);
    }
  }
}

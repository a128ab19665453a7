package org.e2llm.kernels.math;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static org.e2llm.kernels.math.Lanes.B;
import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.I;
import static org.e2llm.kernels.math.VectorBlockFormats.INT;
import static org.e2llm.kernels.math.VectorBlockFormats.half;

import java.lang.foreign.MemorySegment;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * The scales and minimums of the eight sub-blocks of Q4_K, as floats: a third of a row's time where
 * it is done one by one.
 */
final class K4Scales {
  /** Where a lane's low bits lie, as lane of the loaded bytes; only with 16 lanes. */
  private static final VectorShuffle<Integer> LOW = lanes(i -> i < 12 ? i : i - 4).toShuffle();

  /** Where a lane's two high bits lie; only with 16 lanes. */
  private static final VectorShuffle<Integer> HIGH = lanes(i -> i & 7).toShuffle();

  /** Down to a lane's low bits: of an int of four bytes with 8 lanes, of a byte with 16. */
  private static final IntVector LOW_SHIFT =
      lanes(i -> COUNT == 8 ? i % 4 * 8 + i / 4 * 4 : i < 12 ? 0 : 4);

  private static final IntVector LOW_MASK = lanes(i -> i < 8 ? 63 : 15);
  private static final IntVector HIGH_MASK = lanes(i -> i < 8 ? 0 : 0x30);
  private static final VectorMask<Float> MINIMUMS = lanes(i -> i & 4).compare(NE, 0).cast(F);

  private K4Scales() {}

  private static IntVector lanes(IntUnaryOperator value) {
    return IntVector.fromArray(I, IntStream.range(0, COUNT).map(value).toArray(), 0);
  }

  /**
   * Writes 16 floats: four scales, four minimums, the other four scales, the other four minimums;
   * all minimums negative, as they are added.
   *
   * @param at the block
   */
  static void expand(MemorySegment in, long at, float[] out, int o) {
    if (COUNT == 16) {
      together(in, at, out, o);
    } else if (COUNT == 8) {
      inHalves(in, at, out, o);
    } else {
      oneByOne(in, at, out, o);
    }
  }

  private static void together(MemorySegment in, long at, float[] out, int o) {
    IntVector bytes =
        (IntVector)
            ByteVector.fromMemorySegment(B, in, at + 4, LITTLE_ENDIAN)
                .convertShape(ZERO_EXTEND_B2I, I, 0);
    IntVector high = bytes.rearrange(HIGH).lanewise(LSHR, 2).and(HIGH_MASK);
    IntVector low = bytes.rearrange(LOW).lanewise(LSHR, LOW_SHIFT).and(LOW_MASK);
    FloatVector factor = FloatVector.broadcast(F, half(in, at)).blend(-half(in, at + 2), MINIMUMS);
    ((FloatVector) low.or(high).convertShape(I2F, F, 0)).mul(factor).intoArray(out, o);
  }

  private static void inHalves(MemorySegment in, long at, float[] out, int o) {
    FloatVector factor = FloatVector.broadcast(F, half(in, at)).blend(-half(in, at + 2), MINIMUMS);
    IntVector first =
        (IntVector)
            ByteVector.fromMemorySegment(B, in, at + 4, LITTLE_ENDIAN)
                .convertShape(ZERO_EXTEND_B2I, I, 0);
    IntVector low = IntVector.broadcast(I, in.get(INT, at + 12)).lanewise(LSHR, LOW_SHIFT).and(15);
    IntVector second = first.lanewise(LSHR, 6).lanewise(LSHL, 4).or(low);
    ((FloatVector) first.and(63).convertShape(I2F, F, 0)).mul(factor).intoArray(out, o);
    ((FloatVector) second.convertShape(I2F, F, 0)).mul(factor).intoArray(out, o + 8);
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

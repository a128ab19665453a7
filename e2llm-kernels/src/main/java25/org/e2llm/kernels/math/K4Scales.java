package org.e2llm.kernels.math;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static org.e2llm.kernels.math.Lanes.B;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.I;
import static org.e2llm.kernels.math.VectorBlockFormats.INT;
import static org.e2llm.kernels.math.VectorBlockFormats.half;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * The scales and minimums of the eight sub-blocks of Q4_K, as floats. A third of a row's time where
 * it is done one by one; with 16 lanes, bits are put together in longs, eight at a time: those
 * ports are idle where vectors are computed.
 */
final class K4Scales {
  /** Of a block. */
  static final int COUNT = 16;

  private static final int BYTES = 144;

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

  private static final long LOW_4 = 0x0f0f0f0f0f0f0f0fL;
  private static final long LOW_6 = 0x3f3f3f3f3f3f3f3fL;
  private static final long BITS_4_5 = 0x3030303030303030L;

  /** Down to a lane's nibble of an int of eight; only with eight lanes. */
  private static final IntVector NIBBLES =
      IntVector.fromArray(
          I, IntStream.range(0, Lanes.COUNT).map(i -> i % 4 * 8 + (i & 4)).toArray(), 0);

  /** From four scales and four minimums to two of each in turn; with eight lanes and more. */
  private static final VectorShuffle<Float> IN_PAIRS =
      VectorShuffle.fromOp(F, i -> i & -8 | (i & 2) << 1 | (i & 4) >> 1 | i & 1);

  private static final VectorMask<Float> MINIMUMS =
      VectorMask.fromLong(F, 0xccccccccccccccccL >>> 64 - Lanes.COUNT);

  private K4Scales() {}

  /**
   * Writes 16 floats per block, as bits: for each pair of sub-blocks two scales and two minimums,
   * which are negative, as they are added.
   */
  static void expand(MemorySegment in, long row, int blocks, int[] out, int o) {
    long end = row + (long) blocks * BYTES;
    for (long at = row; at != end; at += BYTES, o += COUNT) {
      if (Lanes.COUNT == 16) {
        together(in, at, out, o);
      } else if (Lanes.COUNT == 8) {
        inHalves(in, at, out, o);
      } else {
        oneByOne(in, at, out, o);
      }
    }
  }

  private static void together(MemorySegment in, long at, int[] out, int o) {
    long head = in.get(LONG, at);
    long tail = in.get(LONG, at + 8);
    // Eight bytes with two bits of the last eight on top, then a nibble for each of these.
    long bytes = head >>> 32 | tail << 32;
    long nibbles = tail >>> 32 | tail >>> 36 << 32;
    IntVector q =
        (IntVector)
            LongVector.broadcast(LongVector.SPECIES_128, bytes & LOW_6)
                .withLane(1, nibbles & LOW_4 | bytes >>> 2 & BITS_4_5)
                .reinterpretAsBytes()
                .convertShape(ZERO_EXTEND_B2I, I, 0);
    ((FloatVector) q.convertShape(I2F, F, 0))
        .rearrange(IN_PAIRS)
        .mul(
            FloatVector.broadcast(F, Float.float16ToFloat((short) head))
                .blend(-Float.float16ToFloat((short) (head >>> 16)), MINIMUMS))
        .viewAsIntegralLanes()
        .intoArray(out, o);
  }

  private static void inHalves(MemorySegment in, long at, int[] out, int o) {
    FloatVector factor = FloatVector.broadcast(F, half(in, at)).blend(-half(in, at + 2), MINIMUMS);
    IntVector first =
        (IntVector)
            ByteVector.fromMemorySegment(B, in, at + 4, LITTLE_ENDIAN)
                .convertShape(ZERO_EXTEND_B2I, I, 0);
    IntVector low = IntVector.broadcast(I, in.get(INT, at + 12)).lanewise(LSHR, NIBBLES).and(15);
    IntVector last = first.lanewise(LSHR, 6).lanewise(LSHL, 4).or(low);
    ((FloatVector) first.and(63).convertShape(I2F, F, 0))
        .rearrange(IN_PAIRS)
        .mul(factor)
        .viewAsIntegralLanes()
        .intoArray(out, o);
    ((FloatVector) last.convertShape(I2F, F, 0))
        .rearrange(IN_PAIRS)
        .mul(factor)
        .viewAsIntegralLanes()
        .intoArray(out, o + 8);
  }

  private static void oneByOne(MemorySegment in, long at, int[] out, int o) {
    float d = half(in, at);
    float dmin = -half(in, at + 2);
    int low = in.get(INT, at + 4);
    int mid = in.get(INT, at + 8);
    int top = in.get(INT, at + 12);
    int scaleTop = top & 0x0f0f0f0f | low >>> 2 & 0x30303030;
    int minimumTop = top >>> 4 & 0x0f0f0f0f | mid >>> 2 & 0x30303030;
    for (int i = 0; i < 4; i++) {
      int to = o + (i & 2) * 2 + (i & 1);
      out[to] = Float.floatToRawIntBits(d * (low >>> 8 * i & 63));
      out[to + 2] = Float.floatToRawIntBits(dmin * (mid >>> 8 * i & 63));
      out[to + 8] = Float.floatToRawIntBits(d * (scaleTop >>> 8 * i & 63));
      out[to + 10] = Float.floatToRawIntBits(dmin * (minimumTop >>> 8 * i & 63));
    }
  }
}

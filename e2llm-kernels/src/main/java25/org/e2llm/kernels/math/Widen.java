package org.e2llm.kernels.math;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.B2F;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static org.e2llm.kernels.math.Lanes.B;
import static org.e2llm.kernels.math.Lanes.BYTES_1;
import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.I;
import static org.e2llm.kernels.math.Lanes.PART_1;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Widens the weights of 16 bytes: what all block formats are made of. No method takes or returns a
 * vector, and all call the Vector API directly (see {@link FusedRows}), so each compiles well by
 * itself. Bytes are widened to int lanes first and split there: AVX has no shifts of bytes.
 *
 * <p>Strip h of a group goes to {@code out[o + h * ss]}.
 */
final class Widen {
  private static final ByteVector IQ4_TABLE =
      ByteVector.fromArray(ByteVector.SPECIES_128, BlockFormats.IQ4_VALUES, 0);

  /** Lane numbers: the shifts that bring each lane its own bit. */
  static final IntVector LANE = IntVector.zero(I).addIndex(1);

  private Widen() {}

  /** A group of signed bytes. */
  static void bytes(MemorySegment in, long at, float scale, float[] out, int o, int ss) {
    FloatVector d = FloatVector.broadcast(F, scale);
    for (int h = 0; h < STRIPS; h += 2) {
      ((FloatVector)
              ByteVector.fromMemorySegment(B, in, at + h * COUNT, LITTLE_ENDIAN)
                  .convertShape(B2F, F, 0))
          .mul(d)
          .intoArray(out, o + h * ss);
      if (STRIPS > 1) {
        ((FloatVector)
                ByteVector.fromMemorySegment(B, in, at + h * COUNT + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(B2F, F, PART_1))
            .mul(d)
            .intoArray(out, o + (h + 1) * ss);
      }
    }
  }

  /** Low halves become the group at {@code low}, high halves that at {@code high}. */
  static void nibbles(
      MemorySegment in,
      long at,
      float lowScale,
      float lowOffset,
      float highScale,
      float highOffset,
      float[] out,
      int low,
      int high,
      int ss) {
    FloatVector d0 = FloatVector.broadcast(F, lowScale);
    FloatVector m0 = FloatVector.broadcast(F, lowOffset);
    FloatVector d1 = FloatVector.broadcast(F, highScale);
    FloatVector m1 = FloatVector.broadcast(F, highOffset);
    for (int h = 0; h < STRIPS; h += 2) {
      IntVector q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at + h * COUNT, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      ((FloatVector) q.and(15).convertShape(I2F, F, 0)).fma(d0, m0).intoArray(out, low + h * ss);
      ((FloatVector) q.lanewise(LSHR, 4).convertShape(I2F, F, 0))
          .fma(d1, m1)
          .intoArray(out, high + h * ss);
      if (STRIPS > 1) {
        q =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, at + h * COUNT + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        ((FloatVector) q.and(15).convertShape(I2F, F, 0))
            .fma(d0, m0)
            .intoArray(out, low + (h + 1) * ss);
        ((FloatVector) q.lanewise(LSHR, 4).convertShape(I2F, F, 0))
            .fma(d1, m1)
            .intoArray(out, high + (h + 1) * ss);
      }
    }
  }

  /** Likewise; bit i of {@code fifth} is the fifth bit of weight i of 32. */
  static void fiveBits(
      MemorySegment in,
      long at,
      int fifth,
      float scale,
      float offset,
      float[] out,
      int low,
      int high,
      int ss) {
    FloatVector d = FloatVector.broadcast(F, scale);
    FloatVector m = FloatVector.broadcast(F, offset);
    for (int h = 0; h < STRIPS; h += 2) {
      IntVector q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at + h * COUNT, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      IntVector bits = IntVector.broadcast(I, fifth >>> h * COUNT).lanewise(LSHR, LANE).and(1);
      ((FloatVector) bits.lanewise(LSHL, 4).or(q.and(15)).convertShape(I2F, F, 0))
          .fma(d, m)
          .intoArray(out, low + h * ss);
      bits = IntVector.broadcast(I, fifth >>> 16 + h * COUNT).lanewise(LSHR, LANE).and(1);
      ((FloatVector) bits.lanewise(LSHL, 4).or(q.lanewise(LSHR, 4)).convertShape(I2F, F, 0))
          .fma(d, m)
          .intoArray(out, high + h * ss);
      if (STRIPS > 1) {
        q =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, at + h * COUNT + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        bits = IntVector.broadcast(I, fifth >>> (h + 1) * COUNT).lanewise(LSHR, LANE).and(1);
        ((FloatVector) bits.lanewise(LSHL, 4).or(q.and(15)).convertShape(I2F, F, 0))
            .fma(d, m)
            .intoArray(out, low + (h + 1) * ss);
        bits = IntVector.broadcast(I, fifth >>> 16 + (h + 1) * COUNT).lanewise(LSHR, LANE).and(1);
        ((FloatVector) bits.lanewise(LSHL, 4).or(q.lanewise(LSHR, 4)).convertShape(I2F, F, 0))
            .fma(d, m)
            .intoArray(out, high + (h + 1) * ss);
      }
    }
  }

  /** A group of bit fields: {@code byte >> shift & mask}. */
  static void field(
      MemorySegment in,
      long at,
      int shift,
      int mask,
      float scale,
      float offset,
      float[] out,
      int o,
      int ss) {
    FloatVector d = FloatVector.broadcast(F, scale);
    FloatVector m = FloatVector.broadcast(F, offset);
    for (int h = 0; h < STRIPS; h += 2) {
      IntVector q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at + h * COUNT, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      ((FloatVector) q.lanewise(LSHR, shift).and(mask).convertShape(I2F, F, 0))
          .fma(d, m)
          .intoArray(out, o + h * ss);
      if (STRIPS > 1) {
        q =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, at + h * COUNT + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        ((FloatVector) q.lanewise(LSHR, shift).and(mask).convertShape(I2F, F, 0))
            .fma(d, m)
            .intoArray(out, o + (h + 1) * ss);
      }
    }
  }

  /**
   * Likewise, with top bits from the bytes at {@code topAt}: {@code (top >> topFrom & topMask) <<
   * topTo}.
   */
  static void fields(
      MemorySegment in,
      long at,
      int shift,
      int mask,
      long topAt,
      int topFrom,
      int topMask,
      int topTo,
      float scale,
      float offset,
      float[] out,
      int o,
      int ss) {
    FloatVector d = FloatVector.broadcast(F, scale);
    FloatVector m = FloatVector.broadcast(F, offset);
    for (int h = 0; h < STRIPS; h += 2) {
      IntVector q =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, at + h * COUNT, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      IntVector t =
          (IntVector)
              ByteVector.fromMemorySegment(B, in, topAt + h * COUNT, LITTLE_ENDIAN)
                  .convertShape(ZERO_EXTEND_B2I, I, 0);
      q = q.lanewise(LSHR, shift).and(mask);
      q = t.lanewise(LSHR, topFrom).and(topMask).lanewise(LSHL, topTo).or(q);
      ((FloatVector) q.convertShape(I2F, F, 0)).fma(d, m).intoArray(out, o + h * ss);
      if (STRIPS > 1) {
        q =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, at + h * COUNT + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        t =
            (IntVector)
                ByteVector.fromMemorySegment(B, in, topAt + h * COUNT + BYTES_1, LITTLE_ENDIAN)
                    .convertShape(ZERO_EXTEND_B2I, I, PART_1);
        q = q.lanewise(LSHR, shift).and(mask);
        q = t.lanewise(LSHR, topFrom).and(topMask).lanewise(LSHL, topTo).or(q);
        ((FloatVector) q.convertShape(I2F, F, 0)).fma(d, m).intoArray(out, o + (h + 1) * ss);
      }
    }
  }

  /** Nibbles that point into the table of IQ4: the look-up is a shuffle of 16 bytes. */
  static void table(
      MemorySegment in, long at, float scale, float[] out, int low, int high, int ss) {
    FloatVector d = FloatVector.broadcast(F, scale);
    ByteVector q = ByteVector.fromMemorySegment(ByteVector.SPECIES_128, in, at, LITTLE_ENDIAN);
    ByteVector l = q.and((byte) 15).selectFrom(IQ4_TABLE);
    ByteVector r = q.lanewise(LSHR, 4).and((byte) 15).selectFrom(IQ4_TABLE);
    for (int h = 0; h < STRIPS; h++) {
      ((FloatVector) l.convertShape(B2F, F, h)).mul(d).intoArray(out, low + h * ss);
      ((FloatVector) r.convertShape(B2F, F, h)).mul(d).intoArray(out, high + h * ss);
    }
  }
}

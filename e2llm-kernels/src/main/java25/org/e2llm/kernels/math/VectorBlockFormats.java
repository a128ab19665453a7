package org.e2llm.kernels.math;

import static jdk.incubator.vector.VectorOperators.LSHR;
import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link BlockFormats} in vectors. Bytes are widened to int lanes first and split there: AVX has no
 * shifts of bytes.
 */
final class VectorBlockFormats {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ByteVector IQ4_TABLE =
      ByteVector.fromArray(ByteVector.SPECIES_128, BlockFormats.IQ4_VALUES, 0);

  /** Lane numbers: the shifts that bring each lane its own bit. */
  static final IntVector LANE = IntVector.broadcast(Lanes.I, 0).addIndex(1);

  private VectorBlockFormats() {}

  /** The F16 at {@code at}: one instruction where the CPU has it. */
  static float half(MemorySegment in, long at) {
    return Float.float16ToFloat(in.get(SHORT, at));
  }

  static void q8_0(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 34, o += 2 * gs) {
      FloatVector d = FloatVector.broadcast(Lanes.F, half(in, at));
      for (int h = 0; h < STRIPS; h++) {
        Lanes.toFloat(Lanes.signedBytes(in, at + 2, h)).mul(d).intoArray(out, o + h * ss);
        Lanes.toFloat(Lanes.signedBytes(in, at + 18, h)).mul(d).intoArray(out, o + gs + h * ss);
      }
    }
  }

  static void q4_0(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 18, o += 2 * gs) {
      float d = half(in, at);
      nibbles(in, at + 2, d, -8f * d, out, o, gs, ss);
    }
  }

  static void q4_1(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 20, o += 2 * gs) {
      nibbles(in, at + 4, half(in, at), half(in, at + 2), out, o, gs, ss);
    }
  }

  static void q5_0(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 22, o += 2 * gs) {
      float d = half(in, at);
      fiveBits(in, at + 2, d, -16f * d, out, o, gs, ss);
    }
  }

  static void q5_1(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 24, o += 2 * gs) {
      fiveBits(in, at + 4, half(in, at), half(in, at + 2), out, o, gs, ss);
    }
  }

  static void iq4_nl(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 18, o += 2 * gs) {
      iq4(in, at + 2, half(in, at), out, o, gs, ss);
    }
  }

  /** Sixteen bytes at once: the table look-up is a byte shuffle. */
  static void iq4(MemorySegment in, long at, float scale, float[] out, int o, int gs, int ss) {
    FloatVector d = FloatVector.broadcast(Lanes.F, scale);
    ByteVector q =
        ByteVector.fromMemorySegment(ByteVector.SPECIES_128, in, at, ByteOrder.LITTLE_ENDIAN);
    ByteVector low = q.and((byte) 15).selectFrom(IQ4_TABLE);
    ByteVector high = q.lanewise(LSHR, 4).and((byte) 15).selectFrom(IQ4_TABLE);
    for (int h = 0; h < STRIPS; h++) {
      widen(low, h).mul(d).intoArray(out, o + h * ss);
      widen(high, h).mul(d).intoArray(out, o + gs + h * ss);
    }
  }

  private static FloatVector widen(ByteVector v, int strip) {
    return Lanes.toFloat((IntVector) v.convertShape(VectorOperators.B2I, Lanes.I, strip));
  }

  private static void nibbles(
      MemorySegment in, long at, float scale, float offset, float[] out, int o, int gs, int ss) {
    FloatVector d = FloatVector.broadcast(Lanes.F, scale);
    FloatVector m = FloatVector.broadcast(Lanes.F, offset);
    for (int h = 0; h < STRIPS; h++) {
      IntVector q = Lanes.unsignedBytes(in, at, h);
      Lanes.toFloat(q.and(15)).fma(d, m).intoArray(out, o + h * ss);
      Lanes.toFloat(q.lanewise(LSHR, 4)).fma(d, m).intoArray(out, o + gs + h * ss);
    }
  }

  private static void fiveBits(
      MemorySegment in, long at, float scale, float offset, float[] out, int o, int gs, int ss) {
    FloatVector d = FloatVector.broadcast(Lanes.F, scale);
    FloatVector m = FloatVector.broadcast(Lanes.F, offset);
    int high = in.get(INT, at);
    for (int h = 0; h < STRIPS; h++) {
      IntVector q = Lanes.unsignedBytes(in, at + 4, h);
      IntVector low5 = fifthBit(high >>> h * COUNT).or(q.and(15));
      IntVector high5 = fifthBit(high >>> 16 + h * COUNT).or(q.lanewise(LSHR, 4));
      Lanes.toFloat(low5).fma(d, m).intoArray(out, o + h * ss);
      Lanes.toFloat(high5).fma(d, m).intoArray(out, o + gs + h * ss);
    }
  }

  /** 16 in the lanes whose bit is set; only as many bits are looked at as there are lanes. */
  static IntVector fifthBit(int bits) {
    return IntVector.broadcast(Lanes.I, bits << 4 & 0xfffff0).lanewise(LSHR, LANE).and(16);
  }
}

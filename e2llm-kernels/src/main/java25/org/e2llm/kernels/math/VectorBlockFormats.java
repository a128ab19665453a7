package org.e2llm.kernels.math;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** {@link BlockFormats} in vectors. */
final class VectorBlockFormats {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private VectorBlockFormats() {}

  /** The F16 at {@code at}: one instruction where the CPU has it. */
  static float half(MemorySegment in, long at) {
    return Float.float16ToFloat(in.get(SHORT, at));
  }

  static void q8_0(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 34, o += 2 * gs) {
      float d = half(in, at);
      Widen.bytes(in, at + 2, d, out, o, ss);
      Widen.bytes(in, at + 18, d, out, o + gs, ss);
    }
  }

  static void q4_0(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 18, o += 2 * gs) {
      float d = half(in, at);
      float m = -8f * d;
      Widen.nibbles(in, at + 2, d, m, d, m, out, o, o + gs, ss);
    }
  }

  static void q4_1(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 20, o += 2 * gs) {
      float d = half(in, at);
      float m = half(in, at + 2);
      Widen.nibbles(in, at + 4, d, m, d, m, out, o, o + gs, ss);
    }
  }

  static void q5_0(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 22, o += 2 * gs) {
      float d = half(in, at);
      Widen.fiveBits(in, at + 6, in.get(INT, at + 2), d, -16f * d, out, o, o + gs, ss);
    }
  }

  static void q5_1(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 24, o += 2 * gs) {
      int fifth = in.get(INT, at + 4);
      Widen.fiveBits(in, at + 8, fifth, half(in, at), half(in, at + 2), out, o, o + gs, ss);
    }
  }

  static void iq4_nl(MemorySegment in, long at, int n, float[] out, int o, int gs, int ss) {
    for (int i = 0; i < n; i += 32, at += 18, o += 2 * gs) {
      Widen.table(in, at + 2, half(in, at), out, o, o + gs, ss);
    }
  }
}

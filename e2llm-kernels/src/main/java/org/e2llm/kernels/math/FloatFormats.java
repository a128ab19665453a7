package org.e2llm.kernels.math;

import java.nio.ByteBuffer;

/** Types without blocks: F32, F16, BF16. All widen exactly. */
final class FloatFormats {
  private FloatFormats() {}

  static void f32(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int i = 0; i < n; i++) {
      out[outOffset + i] = in.getFloat(offset + 4 * i);
    }
  }

  static void f16(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int i = 0; i < n; i++) {
      out[outOffset + i] = Half.toFloat(in.getShort(offset + 2 * i));
    }
  }

  static void bf16(ByteBuffer in, int offset, int n, float[] out, int outOffset) {
    for (int i = 0; i < n; i++) {
      out[outOffset + i] = Half.bfloatToFloat(in.getShort(offset + 2 * i));
    }
  }
}

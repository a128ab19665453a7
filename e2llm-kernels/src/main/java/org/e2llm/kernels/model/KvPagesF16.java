package org.e2llm.kernels.model;

import java.nio.ByteBuffer;
import org.e2llm.kernels.math.Kernels;

/** Keys or values rounded to IEEE binary16. */
final class KvPagesF16 extends KvPages<short[]> {
  private final Kernels kernels;

  KvPagesF16(int heads, int headSize, Kernels kernels) {
    super(heads, headSize);
    this.kernels = kernels;
  }

  @Override
  short[] newPage() {
    return new short[pageElements()];
  }

  @Override
  void encode(float[] x, int offset, short[] page, int element) {
    kernels.floatToHalf(x, offset, page, element, headSize);
  }

  @Override
  void decode(short[] page, int element, int n, float[] out) {
    kernels.halfToFloat(page, element, out, 0, n);
  }

  @Override
  void put(short[] page, int element, ByteBuffer out) {
    for (int i = 0; i < headSize; i++) {
      out.putShort(page[element + i]);
    }
  }

  @Override
  void get(short[] page, int element, ByteBuffer in) {
    for (int i = 0; i < headSize; i++) {
      page[element + i] = in.getShort();
    }
  }
}

package org.e2llm.kernels.model;

import java.nio.ByteBuffer;

/** Keys or values as they were computed. */
final class KvPagesF32 extends KvPages<float[]> {
  KvPagesF32(int heads, int headSize) {
    super(heads, headSize);
  }

  @Override
  float[] newPage() {
    return new float[pageElements()];
  }

  @Override
  void encode(float[] x, int offset, float[] page, int element) {
    System.arraycopy(x, offset, page, element, headSize);
  }

  @Override
  void decode(float[] page, int element, int n, float[] out) {
    System.arraycopy(page, element, out, 0, n);
  }

  @Override
  void put(float[] page, int element, ByteBuffer out) {
    for (int i = 0; i < headSize; i++) {
      out.putFloat(page[element + i]);
    }
  }

  @Override
  void get(float[] page, int element, ByteBuffer in) {
    for (int i = 0; i < headSize; i++) {
      page[element + i] = in.getFloat();
    }
  }
}

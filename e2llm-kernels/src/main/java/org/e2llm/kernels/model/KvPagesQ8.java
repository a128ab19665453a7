package org.e2llm.kernels.model;

import java.nio.ByteBuffer;
import org.e2llm.kernels.math.Half;

/**
 * Keys or values in blocks of 32 bytes with one binary16 scale before them, as GGUF's Q8_0.
 *
 * <p>The largest magnitude of a block becomes ±127; the others are rounded to nearest even.
 */
final class KvPagesQ8 extends KvPages<byte[]> {
  private static final int BLOCK = 32;
  private static final int BLOCK_BYTES = 34;

  KvPagesQ8(int heads, int headSize) {
    super(heads, headSize);
  }

  @Override
  byte[] newPage() {
    return new byte[pageElements() / BLOCK * BLOCK_BYTES];
  }

  @Override
  void encode(float[] x, int offset, byte[] page, int element) {
    int at = element / BLOCK * BLOCK_BYTES;
    for (int i = 0; i < headSize; i += BLOCK, at += BLOCK_BYTES) {
      encodeBlock(x, offset + i, page, at);
    }
  }

  private static void encodeBlock(float[] x, int offset, byte[] page, int at) {
    float largest = 0;
    for (int i = 0; i < BLOCK; i++) {
      largest = Math.max(largest, Math.abs(x[offset + i]));
    }
    float scale = largest / 127;
    float inverse = scale == 0 ? 0 : 1 / scale;
    short half = Half.fromFloat(scale);
    page[at] = (byte) half;
    page[at + 1] = (byte) (half >> 8);
    for (int i = 0; i < BLOCK; i++) {
      page[at + 2 + i] = (byte) (int) Math.rint(x[offset + i] * inverse);
    }
  }

  @Override
  void decode(byte[] page, int element, int n, float[] out) {
    int at = element / BLOCK * BLOCK_BYTES;
    for (int i = 0; i < n; i += BLOCK, at += BLOCK_BYTES) {
      float scale = Half.toFloat((short) (page[at] & 0xff | page[at + 1] << 8));
      for (int j = 0; j < BLOCK; j++) {
        out[i + j] = scale * page[at + 2 + j];
      }
    }
  }

  @Override
  void put(byte[] page, int element, ByteBuffer out) {
    out.put(page, element / BLOCK * BLOCK_BYTES, headSize / BLOCK * BLOCK_BYTES);
  }

  @Override
  void get(byte[] page, int element, ByteBuffer in) {
    in.get(page, element / BLOCK * BLOCK_BYTES, headSize / BLOCK * BLOCK_BYTES);
  }
}

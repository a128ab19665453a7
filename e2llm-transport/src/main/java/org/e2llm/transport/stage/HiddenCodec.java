package org.e2llm.transport.stage;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import org.e2llm.plan.HiddenType;

/**
 * Hidden states as they cross a link, little-endian, row after row.
 *
 * <pre>
 *  F32    f32…
 *  F16    binary16…
 *  Q8_0   per 32 elements of a row: binary16 scale   i8 × 32   (the last block filled up with 0)
 * </pre>
 *
 * F32 is lossless. The others round each row by itself, so that a session's values do not depend on
 * what else is in its batches.
 */
final class HiddenCodec {
  private static final int BLOCK = 32;

  private HiddenCodec() {}

  /** Of one row. */
  static int rowBytes(HiddenType type, int width) {
    return Math.toIntExact(type.bytes(width));
  }

  /** Puts rows from {@code from} on at the buffer's position, which moves. */
  static void put(ByteBuffer out, HiddenType type, float[] hidden, int from, int rows, int width) {
    switch (type) {
      case F32:
        out.asFloatBuffer().put(hidden, from * width, rows * width);
        ((Buffer) out).position(out.position() + 4 * rows * width);
        break;
      case F16:
        for (int i = from * width; i < (from + rows) * width; i++) {
          out.putShort(HalfFloats.toHalf(hidden[i]));
        }
        break;
      default:
        for (int row = from; row < from + rows; row++) {
          for (int at = 0; at < width; at += BLOCK) {
            putBlock(out, hidden, row * width + at, Math.min(BLOCK, width - at));
          }
        }
    }
  }

  /** As Q8_0 in GGUF: the scale maps the largest magnitude to 127. */
  private static void putBlock(ByteBuffer out, float[] hidden, int from, int count) {
    float largest = 0;
    for (int i = from; i < from + count; i++) {
      largest = Math.max(largest, Math.abs(hidden[i]));
    }
    short scale = HalfFloats.toHalf(largest / 127);
    float inverse = largest == 0 ? 0 : 127 / largest;
    out.putShort(scale);
    for (int i = 0; i < BLOCK; i++) {
      out.put((byte) (i < count ? Math.round(hidden[from + i] * inverse) : 0));
    }
  }

  /** Takes rows, for {@code from} on, from the buffer's position, which moves. */
  static void get(ByteBuffer in, HiddenType type, float[] hidden, int from, int rows, int width) {
    switch (type) {
      case F32:
        in.asFloatBuffer().get(hidden, from * width, rows * width);
        ((Buffer) in).position(in.position() + 4 * rows * width);
        break;
      case F16:
        for (int i = from * width; i < (from + rows) * width; i++) {
          hidden[i] = HalfFloats.toFloat(in.getShort());
        }
        break;
      default:
        for (int row = from; row < from + rows; row++) {
          for (int at = 0; at < width; at += BLOCK) {
            getBlock(in, hidden, row * width + at, Math.min(BLOCK, width - at));
          }
        }
    }
  }

  private static void getBlock(ByteBuffer in, float[] hidden, int from, int count) {
    float scale = HalfFloats.toFloat(in.getShort());
    for (int i = 0; i < BLOCK; i++) {
      int value = in.get();
      if (i < count) {
        hidden[from + i] = scale * value;
      }
    }
  }
}

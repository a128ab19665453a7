package org.e2llm.kernels.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import org.e2llm.kernels.math.Half;
import org.e2llm.model.GgmlType;

/**
 * Deterministic random weights in the format of a type: random bits everywhere, then scales that
 * give the weights a wanted standard deviation and a mean near zero.
 *
 * <p>Writes blocks as they are, without quantising anything, so that a model of gigabytes takes
 * seconds. Block layouts: {@code block_q4_0} and the like in ggml-common.h.
 */
final class RandomWeights implements TensorData {
  private static final int CHUNK_BYTES = 1 << 18;
  private static final int SCALES = 64;
  private static final int HALVES = 1 << 12;

  /** The half-width of a uniform distribution of deviation 1. */
  private static final float SQRT_3 = 1.7320508f;

  private final GgmlType type;
  private final long elements;
  private final float mean;
  private final float deviation;
  private final long seed;

  /** {@code mean} is for F32 only; in all other types it is 0. */
  RandomWeights(GgmlType type, long elements, float mean, float deviation, long seed) {
    this.type = type;
    this.elements = elements;
    this.mean = mean;
    this.deviation = deviation;
    this.seed = seed;
  }

  @Override
  public void write(WritableByteChannel out) throws IOException {
    int chunkBytes = CHUNK_BYTES / type.blockBytes() * type.blockBytes();
    ByteBuffer chunk = ByteBuffer.allocate((chunkBytes + 7) / 8 * 8).order(ByteOrder.LITTLE_ENDIAN);
    short[] table = table();
    long state = seed;
    long left = type.bytes(elements);
    while (left > 0) {
      int bytes = (int) Math.min(left, chunkBytes);
      for (int at = 0; at < bytes; at += 8) {
        state ^= state >>> 12;
        state ^= state << 25;
        state ^= state >>> 27;
        chunk.putLong(at, state * 0x2545f4914f6cdd1dL);
      }
      finishBlocks(chunk, bytes, table);
      ByteBuffer ready = ByteBuffer.wrap(chunk.array(), 0, bytes);
      while (ready.hasRemaining()) {
        out.write(ready);
      }
      left -= bytes;
    }
  }

  /** Replaces what may not be random: the scales of quantised blocks, or the floats themselves. */
  private void finishBlocks(ByteBuffer chunk, int bytes, short[] table) {
    int step = type.blockBytes();
    switch (type) {
      case F32 -> {
        for (int at = 0; at < bytes; at += step) {
          float uniform = (chunk.getInt(at) >> 8) * 0x1p-23f;
          chunk.putFloat(at, mean + uniform * (deviation * SQRT_3));
        }
      }
      case F16 -> replaceShorts(chunk, 0, bytes, table, HALVES - 1);
      case Q4_0, Q5_0, Q8_0 -> replaceShorts(chunk, 0, bytes, table, SCALES - 1);
      case Q6_K -> replaceShorts(chunk, 208, bytes, table, SCALES - 1);
      case Q4_K -> {
        for (int at = 0; at < bytes; at += step) {
          finishQ4K(chunk, at, table);
        }
      }
      default -> throw new IllegalArgumentException(type + " is not generated");
    }
  }

  private void replaceShorts(ByteBuffer chunk, int first, int bytes, short[] table, int mask) {
    for (int at = first; at < bytes; at += type.blockBytes()) {
      chunk.putShort(at, table[chunk.getShort(at) & mask]);
    }
  }

  /**
   * Equal 6-bit scale and minimum in each group, and a minimum's unit of 7.5 times the scale's: the
   * mean of a group's quants, 7.5, then becomes 0.
   */
  private static void finishQ4K(ByteBuffer chunk, int at, short[] table) {
    int index = chunk.getShort(at) & SCALES - 1;
    chunk.putShort(at, table[index]);
    chunk.putShort(at + 2, table[SCALES + index]);
    chunk.putInt(at + 8, chunk.getInt(at + 4));
    int low = chunk.getInt(at + 12) & 0x0f0f0f0f;
    chunk.putInt(at + 12, low | low << 4);
  }

  /**
   * What a block's scale is chosen from (within a quarter of the mean), or all values of an F16
   * weight. The divisors are the standard deviations of the formats' integers, all equally likely.
   */
  private short[] table() {
    if (type == GgmlType.F16) {
      short[] halves = new short[HALVES];
      for (int i = 0; i < HALVES; i++) {
        halves[i] = Half.fromFloat((2f * i / (HALVES - 1) - 1) * deviation * SQRT_3);
      }
      return halves;
    }
    float integers =
        switch (type) {
          case Q4_0 -> 4.6f;
          case Q5_0 -> 9.2f;
          case Q8_0 -> 73.9f;
          case Q4_K -> 4.6f * 36.4f;
          case Q6_K -> 18.5f * 73.9f;
          default -> 1;
        };
    short[] scales = new short[2 * SCALES];
    for (int i = 0; i < SCALES; i++) {
      float scale = deviation / integers * (0.75f + 0.5f * i / SCALES);
      scales[i] = Half.fromFloat(scale);
      scales[SCALES + i] = Half.fromFloat(7.5f * scale);
    }
    return scales;
  }
}

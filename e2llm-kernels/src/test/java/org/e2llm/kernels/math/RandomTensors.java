package org.e2llm.kernels.math;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.e2llm.model.GgmlType;

/** Tensors of random blocks whose scales are ordinary numbers, and any block where {@code wild}. */
final class RandomTensors {
  static final GgmlType[] TYPES = {
    GgmlType.F32,
    GgmlType.F16,
    GgmlType.BF16,
    GgmlType.Q8_0,
    GgmlType.Q4_0,
    GgmlType.Q4_1,
    GgmlType.Q5_0,
    GgmlType.Q5_1,
    GgmlType.Q2_K,
    GgmlType.Q3_K,
    GgmlType.Q4_K,
    GgmlType.Q5_K,
    GgmlType.Q6_K,
    GgmlType.IQ4_NL,
    GgmlType.IQ4_XS
  };

  private RandomTensors() {}

  static byte[] bytes(GgmlType type, int rows, int columns, boolean wild, Random random) {
    byte[] bytes = new byte[Math.toIntExact(rows * type.bytes(columns))];
    random.nextBytes(bytes);
    if (!wild) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      for (int at = 0; at < bytes.length; at += type.blockBytes()) {
        tame(type, buffer, at, random);
      }
    }
    return bytes;
  }

  private static void tame(GgmlType type, ByteBuffer buffer, int at, Random random) {
    switch (type) {
      case F32 -> buffer.putFloat(at, (float) random.nextGaussian());
      case BF16 -> {
        int bits = Float.floatToIntBits((float) random.nextGaussian());
        buffer.putShort(at, (short) (bits >> 16));
      }
      case F16, Q8_0, Q4_0, Q5_0, IQ4_NL, IQ4_XS -> half(buffer, at, random);
      case Q4_1, Q5_1, Q4_K, Q5_K -> {
        half(buffer, at, random);
        half(buffer, at + 2, random);
      }
      case Q2_K -> {
        half(buffer, at + 80, random);
        half(buffer, at + 82, random);
      }
      case Q3_K -> half(buffer, at + 108, random);
      case Q6_K -> half(buffer, at + 208, random);
      default -> throw new IllegalArgumentException(type.name());
    }
  }

  private static void half(ByteBuffer buffer, int at, Random random) {
    float scale = (float) (random.nextGaussian() * Math.pow(2, random.nextInt(8) - 8));
    buffer.putShort(at, Float.floatToFloat16(scale));
  }

  /** The bytes at a native address {@code shift} past an aligned one. */
  static SegmentTensor segment(GgmlType type, int rows, int columns, byte[] bytes, int shift) {
    MemorySegment memory = Arena.ofAuto().allocate(bytes.length + shift, 64);
    MemorySegment slice = memory.asSlice(shift);
    MemorySegment.copy(bytes, 0, slice, ValueLayout.JAVA_BYTE, 0, bytes.length);
    return new SegmentTensor("random." + type, type, rows, columns, slice);
  }

  /** The bytes as base code has them: one buffer for all rows. */
  static Tensor buffer(GgmlType type, int rows, int columns, byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    return new Tensor("random." + type, type, rows, columns) {
      @Override
      public ByteBuffer buffer(int row) {
        return buffer;
      }

      @Override
      public int offset(int row) {
        return (int) (row * rowBytes());
      }
    };
  }

  static float[] floats(int n, Random random) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  /** Any bits: NaN, infinities, subnormals and zeros of both signs among them. */
  static float[] wildFloats(int n, Random random) {
    float[] special = {
      0f,
      -0f,
      1f,
      -1f,
      Float.MIN_VALUE,
      -Float.MIN_VALUE,
      Float.MIN_NORMAL,
      Float.MAX_VALUE,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.NaN,
      65504f,
      65520f,
      88.8f,
      -103.9f
    };
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] =
          random.nextInt(4) == 0
              ? special[random.nextInt(special.length)]
              : Float.intBitsToFloat(random.nextInt());
    }
    return x;
  }
}

package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.IntToDoubleFunction;
import org.e2llm.model.GgmlType;
import org.junit.jupiter.api.Test;

/** Blocks written by hand, bit field by bit field, from the description of each format. */
class DequantizerTest {
  private static final short HALF = 0x3800; // 0.5
  private static final short QUARTER = 0x3400; // 0.25

  /** What a weight should be, by its number in the block. */
  private static void expect(GgmlType type, ByteBuffer block, IntToDoubleFunction weight) {
    assertThat(block.capacity()).isEqualTo(type.blockBytes());
    int n = type.blockSize();
    float[] out = new float[n + 1];
    Dequantizer.of(type).dequantize(block, 0, n, out, 1);
    for (int i = 0; i < n; i++) {
      assertThat(out[i + 1]).as("weight %d", i).isEqualTo((float) weight.applyAsDouble(i));
    }
  }

  private static ByteBuffer block(GgmlType type) {
    return ByteBuffer.allocate(type.blockBytes()).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A quant of {@code bits} for weight i, different for neighbours and for far weights. */
  private static int quant(int i, int bits) {
    return (i * 7 + i / 16 * 5 + 3) & (1 << bits) - 1;
  }

  private static void or(ByteBuffer b, int at, int value) {
    b.put(at, (byte) (b.get(at) | value));
  }

  @Test
  void bytesTimesScale() {
    ByteBuffer b = block(GgmlType.Q8_0).putShort(0, HALF);
    for (int i = 0; i < 32; i++) {
      b.put(2 + i, (byte) (quant(i, 8) - 128));
    }
    expect(GgmlType.Q8_0, b, i -> 0.5 * (quant(i, 8) - 128));
  }

  @Test
  void nibblesAroundEight() {
    ByteBuffer b = block(GgmlType.Q4_0).putShort(0, HALF);
    putNibbles(b, 2);
    expect(GgmlType.Q4_0, b, i -> 0.5 * (quant(i, 4) - 8));
  }

  @Test
  void nibblesAndMinimum() {
    ByteBuffer b = block(GgmlType.Q4_1).putShort(0, HALF).putShort(2, QUARTER);
    putNibbles(b, 4);
    expect(GgmlType.Q4_1, b, i -> 0.5 * quant(i, 4) + 0.25);
  }

  @Test
  void fiveBitsAroundSixteen() {
    ByteBuffer b = block(GgmlType.Q5_0).putShort(0, HALF);
    putFiveBits(b, 2);
    expect(GgmlType.Q5_0, b, i -> 0.5 * (quant(i, 5) - 16));
  }

  @Test
  void fiveBitsAndMinimum() {
    ByteBuffer b = block(GgmlType.Q5_1).putShort(0, HALF).putShort(2, QUARTER);
    putFiveBits(b, 4);
    expect(GgmlType.Q5_1, b, i -> 0.5 * quant(i, 5) + 0.25);
  }

  @Test
  void nibblesIntoATable() {
    ByteBuffer b = block(GgmlType.IQ4_NL).putShort(0, HALF);
    putNibbles(b, 2);
    expect(GgmlType.IQ4_NL, b, i -> 0.5 * table(quant(i, 4)));
  }

  @Test
  void superBlocksOfTwoBits() {
    ByteBuffer b = block(GgmlType.Q2_K).putShort(80, HALF).putShort(82, QUARTER);
    for (int sub = 0; sub < 16; sub++) {
      b.put(sub, (byte) (sub | (15 - sub) << 4));
    }
    for (int i = 0; i < 256; i++) {
      or(b, 16 + i / 128 * 32 + i % 32, quant(i, 2) << i % 128 / 32 * 2);
    }
    expect(GgmlType.Q2_K, b, i -> 0.5 * (i / 16) * quant(i, 2) - 0.25 * (15 - i / 16));
  }

  @Test
  void superBlocksOfThreeBits() {
    ByteBuffer b = block(GgmlType.Q3_K).putShort(108, HALF);
    for (int sub = 0; sub < 16; sub++) {
      int scale = q3Scale(sub);
      or(b, 96 + sub % 8, (scale & 15) << sub / 8 * 4);
      or(b, 104 + sub % 4, (scale >> 4) << sub / 4 * 2);
    }
    for (int i = 0; i < 256; i++) {
      or(b, 32 + i / 128 * 32 + i % 32, (quant(i, 3) & 3) << i % 128 / 32 * 2);
      or(b, i % 32, (quant(i, 3) >> 2) << i / 32);
    }
    expect(GgmlType.Q3_K, b, i -> 0.5 * (q3Scale(i / 16) - 32) * (quant(i, 3) - 4));
  }

  private static int q3Scale(int sub) {
    return (sub * 11 + 5) & 63;
  }

  @Test
  void superBlocksOfFourBits() {
    ByteBuffer b = block(GgmlType.Q4_K).putShort(0, HALF).putShort(2, QUARTER);
    putScales(b, 4);
    for (int i = 0; i < 256; i++) {
      or(b, 16 + i / 64 * 32 + i % 32, quant(i, 4) << i / 32 % 2 * 4);
    }
    expect(GgmlType.Q4_K, b, i -> 0.5 * scale(i / 32) * quant(i, 4) - 0.25 * minimum(i / 32));
  }

  @Test
  void superBlocksOfFiveBits() {
    ByteBuffer b = block(GgmlType.Q5_K).putShort(0, HALF).putShort(2, QUARTER);
    putScales(b, 4);
    for (int i = 0; i < 256; i++) {
      or(b, 48 + i / 64 * 32 + i % 32, (quant(i, 5) & 15) << i / 32 % 2 * 4);
      or(b, 16 + i % 32, (quant(i, 5) >> 4) << i / 32);
    }
    expect(GgmlType.Q5_K, b, i -> 0.5 * scale(i / 32) * quant(i, 5) - 0.25 * minimum(i / 32));
  }

  @Test
  void superBlocksOfSixBits() {
    ByteBuffer b = block(GgmlType.Q6_K).putShort(208, HALF);
    for (int sub = 0; sub < 16; sub++) {
      b.put(192 + sub, (byte) (sub * 13 - 100));
    }
    for (int i = 0; i < 256; i++) {
      int inHalf = i % 128;
      or(b, i / 128 * 64 + inHalf % 64, (quant(i, 6) & 15) << inHalf / 64 * 4);
      or(b, 128 + i / 128 * 32 + inHalf % 32, (quant(i, 6) >> 4) << inHalf / 32 * 2);
    }
    expect(GgmlType.Q6_K, b, i -> 0.5 * (i / 16 * 13 - 100) * (quant(i, 6) - 32));
  }

  @Test
  void superBlocksIntoATable() {
    ByteBuffer b = block(GgmlType.IQ4_XS).putShort(0, HALF);
    int high = 0;
    for (int sub = 0; sub < 8; sub++) {
      or(b, 4 + sub / 2, (scale(sub) & 15) << sub % 2 * 4);
      high |= (scale(sub) >> 4) << 2 * sub;
    }
    b.putShort(2, (short) high);
    for (int i = 0; i < 256; i++) {
      or(b, 8 + i / 32 * 16 + i % 16, quant(i, 4) << i % 32 / 16 * 4);
    }
    expect(GgmlType.IQ4_XS, b, i -> 0.5 * (scale(i / 32) - 32) * table(quant(i, 4)));
  }

  /** Six bits each; the top two of the last four lie above the first four of the same kind. */
  private static void putScales(ByteBuffer b, int at) {
    for (int sub = 0; sub < 4; sub++) {
      b.put(at + sub, (byte) (scale(sub) | scale(sub + 4) >> 4 << 6));
      b.put(at + 4 + sub, (byte) (minimum(sub) | minimum(sub + 4) >> 4 << 6));
      b.put(at + 8 + sub, (byte) (scale(sub + 4) & 15 | (minimum(sub + 4) & 15) << 4));
    }
  }

  private static int scale(int sub) {
    return (sub * 23 + 9) & 63;
  }

  private static int minimum(int sub) {
    return (sub * 29 + 50) & 63;
  }

  private static void putNibbles(ByteBuffer b, int at) {
    for (int i = 0; i < 32; i++) {
      or(b, at + i % 16, quant(i, 4) << i / 16 * 4);
    }
  }

  private static void putFiveBits(ByteBuffer b, int at) {
    int high = 0;
    for (int i = 0; i < 32; i++) {
      or(b, at + 4 + i % 16, (quant(i, 5) & 15) << i / 16 * 4);
      high |= quant(i, 5) >> 4 << i;
    }
    b.putInt(at, high);
  }

  private static int table(int quant) {
    int[] values = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    return values[quant];
  }
}

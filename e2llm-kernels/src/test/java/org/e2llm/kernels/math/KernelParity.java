package org.e2llm.kernels.math;

import java.util.Arrays;
import java.util.Random;
import org.e2llm.model.GgmlType;

/**
 * Compares kernels with {@link ScalarKernels} bit by bit on random data. Also a program, so that
 * each vector width, and each stage of compilation, can have a JVM of its own: {@code KernelParity
 * rounds}.
 */
final class KernelParity {
  private final Kernels reference = new ScalarKernels();
  private final Kernels kernels;
  private final Random random;

  KernelParity(Kernels kernels, long seed) {
    this.kernels = kernels;
    this.random = new Random(seed);
  }

  public static void main(String[] args) {
    Kernels kernels = KernelsLookup.kernels();
    for (int round = 0; round < Integer.parseInt(args[0]); round++) {
      KernelParity parity = new KernelParity(kernels, round);
      parity.all();
    }
    System.out.println(kernels.name() + " agrees");
  }

  void all() {
    for (GgmlType type : RandomTensors.TYPES) {
      dequantization(type);
      products(type);
    }
    elementwise();
    rotations();
    attention();
    halves();
  }

  void dequantization(GgmlType type) {
    for (boolean wild : new boolean[] {false, true}) {
      int columns = columns(type);
      int rows = 3;
      byte[] bytes = RandomTensors.bytes(type, rows, columns, wild, random);
      Tensor w = RandomTensors.segment(type, rows, columns, bytes, random.nextInt(8));
      for (int row = 0; row < rows; row++) {
        float[] expected = new float[columns + 3];
        float[] actual = new float[columns + 3];
        reference.dequantizeRow(w, row, expected, 3, new Scratch());
        kernels.dequantizeRow(w, row, actual, 3, new Scratch());
        same(type + " row of " + columns, expected, actual);
      }
    }
  }

  /** Odd counts of rows and blocks, any number of tokens, with gaps between tokens. */
  void products(GgmlType type) {
    int columns = columns(type);
    int rows = 1 + random.nextInt(11);
    byte[] bytes = RandomTensors.bytes(type, rows, columns, random.nextInt(8) == 0, random);
    Tensor segment = RandomTensors.segment(type, rows, columns, bytes, random.nextInt(8));
    Tensor buffer = RandomTensors.buffer(type, rows, columns, bytes);
    for (int tokens : new int[] {1, 2, 3, 1 + random.nextInt(9)}) {
      int xStride = columns + random.nextInt(3);
      int outStride = rows + random.nextInt(3);
      float[] x = RandomTensors.floats(2 + tokens * xStride, random);
      int from = random.nextInt(rows);
      int to = from + 1 + random.nextInt(rows - from);
      float[] expected = new float[5 + tokens * outStride];
      float[] actual = expected.clone();
      float[] other = expected.clone();
      reference.matmul(
          buffer, from, to, x, 2, xStride, tokens, expected, 5, outStride, new Scratch());
      kernels.matmul(segment, from, to, x, 2, xStride, tokens, actual, 5, outStride, new Scratch());
      kernels.matmul(buffer, from, to, x, 2, xStride, tokens, other, 5, outStride, new Scratch());
      String what = type + " " + rows + " x " + columns + ", " + tokens + " tokens";
      same(what, expected, actual);
      same(what + " from a buffer", expected, other);
    }
  }

  private int columns(GgmlType type) {
    int blocks = type.blockSize() == 1 ? 1 + random.nextInt(300) : 1 + random.nextInt(7);
    int extra =
        random.nextInt(4) == 0 ? (type.blockSize() == 1 ? 1024 : 1024 / type.blockSize()) : 0;
    return (blocks + extra) * type.blockSize();
  }

  void elementwise() {
    for (boolean wild : new boolean[] {false, true}) {
      int n = random.nextInt(100);
      float[] x =
          wild ? RandomTensors.wildFloats(n + 3, random) : RandomTensors.floats(n + 3, random);
      float[] y = RandomTensors.floats(n + 3, random);
      String what = " of " + n + (wild ? " wild" : "");
      both("rmsNorm" + what, x, (k, out) -> k.rmsNorm(x, 1, y, n, 1e-5f, out, 2));
      both("rmsNorm in place" + what, x, (k, out) -> k.rmsNorm(out, 1, y, n, 1e-5f, out, 1));
      both("add" + what, x, (k, out) -> k.add(out, 1, y, 2, n));
      both("scale" + what, x, (k, out) -> k.scale(out, 1, 0.37f, n));
      both("silu" + what, x, (k, out) -> k.siluMultiply(out, 1, y, 2, n, new Scratch()));
      both("gelu" + what, x, (k, out) -> k.geluMultiply(out, 1, y, 2, n, new Scratch()));
      int first = random.nextInt(40);
      both("softmax at " + first + what, x, (k, out) -> k.softmax(out, 1, n, first));
    }
  }

  void rotations() {
    int pairs = 1 + random.nextInt(70);
    float[] x = RandomTensors.floats(2 * pairs + 3, random);
    float[] cos = RandomTensors.floats(pairs + 2, random);
    float[] sin = RandomTensors.floats(pairs + 2, random);
    both("rotate halves, " + pairs, x, (k, out) -> k.rotate(out, 1, cos, sin, 2, pairs, true));
    both("rotate neighbours, " + pairs, x, (k, out) -> k.rotate(out, 1, cos, sin, 2, pairs, false));
  }

  void attention() {
    int headSize = 1 + random.nextInt(150);
    int positions = random.nextInt(20);
    int stride = headSize + random.nextInt(5);
    float[] query = RandomTensors.floats(headSize + 1, random);
    float[] cache = RandomTensors.floats(positions * stride + 2, random);
    float[] weights = RandomTensors.floats(positions + 3, random);
    String what = " of " + positions + " x " + headSize;
    both(
        "scores" + what,
        weights,
        (k, out) ->
            k.attentionScores(query, 1, cache, 2, stride, positions, headSize, 0.3f, out, 3));
    both(
        "values" + what,
        query,
        (k, out) -> k.attentionValues(weights, 3, cache, 2, stride, positions, headSize, out, 1));
  }

  void halves() {
    int n = random.nextInt(60);
    float[] x = RandomTensors.wildFloats(n + 2, random);
    short[] halves = new short[n + 3];
    for (int i = 0; i < halves.length; i++) {
      halves[i] = (short) random.nextInt();
    }
    both("halfToFloat", x, (k, out) -> k.halfToFloat(halves, 3, out, 2, n));
    short[] expected = new short[n + 1];
    short[] actual = new short[n + 1];
    reference.floatToHalf(x, 2, expected, 1, n);
    kernels.floatToHalf(x, 2, actual, 1, n);
    if (!Arrays.equals(expected, actual)) {
      throw new AssertionError("floatToHalf differs");
    }
  }

  private interface Operation {
    void run(Kernels kernels, float[] out);
  }

  private void both(String what, float[] start, Operation operation) {
    float[] expected = start.clone();
    float[] actual = start.clone();
    operation.run(reference, expected);
    operation.run(kernels, actual);
    same(what, expected, actual);
  }

  /** Equal bits, where all NaN count as equal. */
  private void same(String what, float[] expected, float[] actual) {
    int at = Arrays.mismatch(expected, actual);
    if (at >= 0) {
      throw new AssertionError(
          kernels.name()
              + ", "
              + what
              + ": element "
              + at
              + " is "
              + actual[at]
              + " ("
              + Float.toHexString(actual[at])
              + "), the reference has "
              + expected[at]
              + " ("
              + Float.toHexString(expected[at])
              + ")");
    }
  }
}

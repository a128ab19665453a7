package org.e2llm.kernels.math;

import org.e2llm.model.GgmlType;

/**
 * Kernels that are fast from the first token: scalar ones work while the JVM compiles the vector
 * ones beside them, and each kernel changes over once it has been seen to be faster.
 *
 * <p>Vector API code that is not yet compiled boxes every vector and is some hundred times slower
 * than compiled; scalar code is not. Measured on a model of 135 M parameters: the first token took
 * 4.8 s with cold vector kernels alone, 1.2 s with scalar ones. Both give the same bits, so it does
 * not show in any result which one computed what.
 */
final class WarmingKernels implements Kernels {
  /** Rows of a matrix product between two looks at the race. */
  private static final int CHUNK_ROWS = 24;

  /** The challenger's piece of a chunk: a few rows (the most a vector kernel takes at once) … */
  private static final int PIECE_ROWS = 6;

  /** … and tokens. */
  private static final int PIECE_TOKENS = 4;

  private final Kernels fast;
  private final Kernels steady;
  private final Race[] matvec = races();
  private final Race[] matmul = races();
  private final Race[] dequantizeRow = races();
  private final Race rmsNorm = new Race();
  private final Race add = new Race();
  private final Race scale = new Race();
  private final Race siluMultiply = new Race();
  private final Race geluMultiply = new Race();
  private final Race rotate = new Race();
  private final Race attentionScores = new Race();
  private final Race softmax = new Race();
  private final Race attentionValues = new Race();
  private final Race halfToFloat = new Race();
  private final Race floatToHalf = new Race();

  /**
   * @param fast kernels that need to be compiled to be fast
   * @param steady kernels with the same bits that are not slow before
   */
  WarmingKernels(Kernels fast, Kernels steady) {
    this.fast = fast;
    this.steady = steady;
  }

  private static Race[] races() {
    Race[] races = new Race[GgmlType.values().length];
    for (int i = 0; i < races.length; i++) {
      races[i] = new Race();
    }
    return races;
  }

  @Override
  public String name() {
    return fast.name();
  }

  @Override
  public boolean isSettled(GgmlType type, int tokens) {
    return race(type, tokens).isWon();
  }

  private Race race(GgmlType type, int tokens) {
    return (tokens == 1 ? matvec : matmul)[type.ordinal()];
  }

  @Override
  public void matmul(
      Tensor w,
      int rowFrom,
      int rowTo,
      float[] x,
      int xOffset,
      int xStride,
      int tokens,
      float[] out,
      int outOffset,
      int outStride,
      Scratch scratch) {
    Race race = race(w.type(), tokens);
    int row = rowFrom;
    while (row < rowTo && !race.isWon()) {
      int to = Math.min(row + CHUNK_ROWS, rowTo);
      int pieceTo = row;
      int piece = 0;
      if (race.wantsChallenger()) {
        pieceTo = Math.min(row + PIECE_ROWS, to);
        piece = Math.min(tokens, PIECE_TOKENS);
        long start = System.nanoTime();
        fast.matmul(
            w, row, pieceTo, x, xOffset, xStride, piece, out, outOffset, outStride, scratch);
        race.challenger((long) (pieceTo - row) * piece, System.nanoTime() - start);
      }
      long start = System.nanoTime();
      int rest = tokens - piece;
      if (pieceTo > row && rest > 0) {
        int xRest = xOffset + piece * xStride;
        int outRest = outOffset + piece * outStride;
        steady.matmul(w, row, pieceTo, x, xRest, xStride, rest, out, outRest, outStride, scratch);
      }
      steady.matmul(
          w, pieceTo, to, x, xOffset, xStride, tokens, out, outOffset, outStride, scratch);
      long units = (long) (pieceTo - row) * rest + (long) (to - pieceTo) * tokens;
      race.steady(units, System.nanoTime() - start);
      row = to;
    }
    if (row < rowTo) {
      fast.matmul(w, row, rowTo, x, xOffset, xStride, tokens, out, outOffset, outStride, scratch);
    }
  }

  // The rest: one call is one piece.

  private Kernels next(Race race) {
    return race.wantsChallenger() ? fast : steady;
  }

  private void done(Race race, Kernels by, long units, long nanos) {
    if (by == fast) {
      race.challenger(units, nanos);
    } else {
      race.steady(units, nanos);
    }
  }

  @Override
  public void dequantizeRow(Tensor w, int row, float[] out, int outOffset, Scratch scratch) {
    Race race = dequantizeRow[w.type().ordinal()];
    if (race.isWon()) {
      fast.dequantizeRow(w, row, out, outOffset, scratch);
      return;
    }
    Kernels by = next(race);
    long start = System.nanoTime();
    by.dequantizeRow(w, row, out, outOffset, scratch);
    done(race, by, w.columns(), System.nanoTime() - start);
  }

  @Override
  public void rmsNorm(
      float[] x, int xOffset, float[] weight, int n, float eps, float[] out, int outOffset) {
    if (rmsNorm.isWon()) {
      fast.rmsNorm(x, xOffset, weight, n, eps, out, outOffset);
      return;
    }
    Kernels by = next(rmsNorm);
    long start = System.nanoTime();
    by.rmsNorm(x, xOffset, weight, n, eps, out, outOffset);
    done(rmsNorm, by, n, System.nanoTime() - start);
  }

  @Override
  public void add(float[] x, int xOffset, float[] y, int yOffset, int n) {
    if (add.isWon()) {
      fast.add(x, xOffset, y, yOffset, n);
      return;
    }
    Kernels by = next(add);
    long start = System.nanoTime();
    by.add(x, xOffset, y, yOffset, n);
    done(add, by, n, System.nanoTime() - start);
  }

  @Override
  public void scale(float[] x, int xOffset, float factor, int n) {
    if (scale.isWon()) {
      fast.scale(x, xOffset, factor, n);
      return;
    }
    Kernels by = next(scale);
    long start = System.nanoTime();
    by.scale(x, xOffset, factor, n);
    done(scale, by, n, System.nanoTime() - start);
  }

  @Override
  public void siluMultiply(
      float[] gate, int gateOffset, float[] up, int upOffset, int n, Scratch scratch) {
    if (siluMultiply.isWon()) {
      fast.siluMultiply(gate, gateOffset, up, upOffset, n, scratch);
      return;
    }
    Kernels by = next(siluMultiply);
    long start = System.nanoTime();
    by.siluMultiply(gate, gateOffset, up, upOffset, n, scratch);
    done(siluMultiply, by, n, System.nanoTime() - start);
  }

  @Override
  public void geluMultiply(
      float[] gate, int gateOffset, float[] up, int upOffset, int n, Scratch scratch) {
    if (geluMultiply.isWon()) {
      fast.geluMultiply(gate, gateOffset, up, upOffset, n, scratch);
      return;
    }
    Kernels by = next(geluMultiply);
    long start = System.nanoTime();
    by.geluMultiply(gate, gateOffset, up, upOffset, n, scratch);
    done(geluMultiply, by, n, System.nanoTime() - start);
  }

  @Override
  public void rotate(
      float[] x, int xOffset, float[] cos, float[] sin, int cosOffset, int pairs, boolean neox) {
    if (rotate.isWon()) {
      fast.rotate(x, xOffset, cos, sin, cosOffset, pairs, neox);
      return;
    }
    Kernels by = next(rotate);
    long start = System.nanoTime();
    by.rotate(x, xOffset, cos, sin, cosOffset, pairs, neox);
    done(rotate, by, pairs, System.nanoTime() - start);
  }

  @Override
  public void softmax(float[] scores, int offset, int n, int firstPosition) {
    if (softmax.isWon()) {
      fast.softmax(scores, offset, n, firstPosition);
      return;
    }
    Kernels by = next(softmax);
    long start = System.nanoTime();
    by.softmax(scores, offset, n, firstPosition);
    done(softmax, by, n, System.nanoTime() - start);
  }

  @Override
  public void attentionScores(
      float[] query,
      int queryOffset,
      float[] keys,
      int keysOffset,
      int keyStride,
      int positions,
      int headSize,
      float scale,
      float[] scores,
      int scoresOffset) {
    if (attentionScores.isWon()) {
      fast.attentionScores(
          query,
          queryOffset,
          keys,
          keysOffset,
          keyStride,
          positions,
          headSize,
          scale,
          scores,
          scoresOffset);
      return;
    }
    Kernels by = next(attentionScores);
    long start = System.nanoTime();
    by.attentionScores(
        query,
        queryOffset,
        keys,
        keysOffset,
        keyStride,
        positions,
        headSize,
        scale,
        scores,
        scoresOffset);
    done(attentionScores, by, (long) positions * headSize, System.nanoTime() - start);
  }

  @Override
  public void attentionValues(
      float[] weights,
      int weightsOffset,
      float[] values,
      int valuesOffset,
      int valueStride,
      int positions,
      int headSize,
      float[] out,
      int outOffset) {
    if (attentionValues.isWon()) {
      fast.attentionValues(
          weights,
          weightsOffset,
          values,
          valuesOffset,
          valueStride,
          positions,
          headSize,
          out,
          outOffset);
      return;
    }
    Kernels by = next(attentionValues);
    long start = System.nanoTime();
    by.attentionValues(
        weights,
        weightsOffset,
        values,
        valuesOffset,
        valueStride,
        positions,
        headSize,
        out,
        outOffset);
    done(attentionValues, by, (long) positions * headSize, System.nanoTime() - start);
  }

  @Override
  public void halfToFloat(short[] half, int halfOffset, float[] out, int outOffset, int n) {
    if (halfToFloat.isWon()) {
      fast.halfToFloat(half, halfOffset, out, outOffset, n);
      return;
    }
    Kernels by = next(halfToFloat);
    long start = System.nanoTime();
    by.halfToFloat(half, halfOffset, out, outOffset, n);
    done(halfToFloat, by, n, System.nanoTime() - start);
  }

  @Override
  public void floatToHalf(float[] x, int xOffset, short[] half, int halfOffset, int n) {
    if (floatToHalf.isWon()) {
      fast.floatToHalf(x, xOffset, half, halfOffset, n);
      return;
    }
    Kernels by = next(floatToHalf);
    long start = System.nanoTime();
    by.floatToHalf(x, xOffset, half, halfOffset, n);
    done(floatToHalf, by, n, System.nanoTime() - start);
  }
}

package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Tile.ROWS;
import static org.e2llm.kernels.math.Tile.TOKENS;

import java.util.Arrays;

/**
 * Matrix products: weights are widened once per block of tokens, six rows and {@link #DEPTH}
 * columns at a time, into a panel that stays in the L1 cache, and multiplied with all tokens of the
 * block.
 */
final class VectorMatmul {
  /** Columns widened at a time: six rows of them take 24 KiB. A multiple of all block sizes. */
  static final int DEPTH = 1024;

  /** Floats of activations packed at a time: they should stay in the L2 cache. */
  private static final int BLOCK_FLOATS = 1 << 18;

  private static final int MIN_BLOCK_TOKENS = 24;

  private VectorMatmul() {}

  static void multiply(
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
    int fitting = Math.max(MIN_BLOCK_TOKENS, BLOCK_FLOATS / w.columns()) / TOKENS * TOKENS;
    for (int t = 0; t < tokens; t += fitting) {
      int count = Math.min(fitting, tokens - t);
      block(
          w,
          rowFrom,
          rowTo,
          x,
          xOffset + t * xStride,
          xStride,
          count,
          out,
          outOffset + t * outStride,
          outStride,
          scratch);
    }
  }

  private static void block(
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
    int n = w.columns();
    int whole = n - n % GROUP;
    int padded = (tokens + TOKENS - 1) / TOKENS * TOKENS;
    int sumsAt = ROWS * DEPTH;
    int xAt = sumsAt + padded * ROWS * GROUP;
    float[] work = scratch.floats(xAt + padded * whole + n);
    pack(x, xOffset, xStride, tokens, whole, work, xAt);
    for (int r = rowFrom; r < rowTo; r += ROWS) {
      int rows = Math.min(ROWS, rowTo - r);
      Arrays.fill(work, sumsAt, xAt, 0f);
      for (int k = 0; k < whole; k += DEPTH) {
        int depth = Math.min(DEPTH, whole - k);
        WeightPanel.read(w, r, rows, k, depth, work, 0, xAt + padded * whole);
        int xk = xAt + k * padded;
        for (int t = 0; t < padded; t += TOKENS) {
          Tile.accumulate(work, 0, work, xk + t * depth, depth, work, sumsAt + t * ROWS * GROUP);
        }
      }
      if (whole < n) {
        RowRest.add(w, r, rows, x, xOffset, xStride, tokens, work, sumsAt, xAt + padded * whole);
      }
      for (int t = 0; t < tokens; t++) {
        int o = outOffset + t * outStride + r;
        for (int i = 0; i < rows; i++) {
          out[o + i] = Lanes.sum(work, sumsAt + (t * ROWS + i) * GROUP);
        }
      }
    }
  }

  /** All tokens as panels of two: those of the first {@link #DEPTH} columns first. */
  private static void pack(
      float[] x, int xOffset, int xStride, int tokens, int whole, float[] work, int xAt) {
    int padded = (tokens + TOKENS - 1) / TOKENS * TOKENS;
    for (int k = 0; k < whole; k += DEPTH) {
      int depth = Math.min(DEPTH, whole - k);
      for (int t = 0; t < tokens; t++) {
        int panel = xAt + k * padded + t / TOKENS * TOKENS * depth;
        Panel.pack(x, xOffset + t * xStride + k, depth, work, panel, TOKENS, t % TOKENS);
      }
    }
  }
}

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

  /**
   * Floats of activations packed at a time: 4 MiB, which stream from the L3 cache. Fewer would fit
   * the L2, but then weights are widened more often: a sixth slower with 128 tokens of 5632.
   */
  private static final int BLOCK_FLOATS = 1 << 20;

  /**
   * Where panels begin. Elements of a float array start 16 bytes into the object, and the G1
   * collector puts an object as large as this at a border of a region: from here on, vectors cross
   * no cache line. Where that does not hold, products are an eighth slower.
   */
  private static final int PANELS_AT = 12;

  /** More than half a region, up to heaps of 16 GiB: what makes an array such an object. */
  private static final int LEAST_FLOATS = 1 << 20;

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
    int sumsAt = PANELS_AT + ROWS * DEPTH;
    int xAt = sumsAt + padded * ROWS * GROUP;
    int spareAt = xAt + padded * whole;
    float[] work = scratch.floats(Math.max(LEAST_FLOATS, spareAt + n));
    pack(x, xOffset, xStride, tokens, whole, work, xAt);
    for (int r = rowFrom; r < rowTo; r += ROWS) {
      int rows = Math.min(ROWS, rowTo - r);
      Arrays.fill(work, sumsAt, xAt, 0f);
      for (int k = 0; k < whole; k += DEPTH) {
        int depth = Math.min(DEPTH, whole - k);
        WeightPanel.read(w, r, rows, k, depth, work, PANELS_AT, spareAt);
        Tile.accumulate(work, PANELS_AT, xAt + k * padded, padded, depth, sumsAt);
      }
      if (whole < n) {
        RowRest.add(w, r, rows, x, xOffset, xStride, tokens, work, sumsAt, spareAt);
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

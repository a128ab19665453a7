package org.e2llm.kernels.machine;

import static org.e2llm.kernels.machine.RowKernel.ROWS;

import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.SegmentTensor;

/**
 * Matrix products with many tokens: weights become floats once for all of them, four rows and
 * {@link #DEPTH} columns at a time, in a panel that stays in the L1 cache.
 */
final class ManyTokens {
  /** Columns of a panel, which take 16 KiB. A multiple of all block sizes. */
  private static final int DEPTH = 1024;

  /**
   * Panels whose products are collected before they go into the heap. The k-th row of each lies
   * behind that of the one before: four long streams through memory, as in {@link RowKernel}.
   */
  static final int PANELS = 64;

  /** Activations in the working memory at a time: they stream from the L3 cache. */
  private static final int MOST_X_BYTES = 4 << 20;

  private static final int MIN_TOKENS = 24;

  private static final int SUMS_AT = 4 * ROWS * DEPTH;

  private ManyTokens() {}

  /** As {@link org.e2llm.kernels.math.Kernels#matmul}. */
  static void multiply(
      Functions functions,
      SegmentTensor w,
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
    int fitting = Math.max(MIN_TOKENS, MOST_X_BYTES / (4 * w.columns())) / TileKernel.TOKENS;
    fitting *= TileKernel.TOKENS;
    for (int t = 0; t < tokens; t += fitting) {
      int count = Math.min(fitting, tokens - t);
      Work work = Work.of(scratch, xAt(count) + count * Work.tokenBytes(w.columns()));
      work.setX(x, xOffset + t * xStride, xStride, count, w.columns(), xAt(count));
      work.clear(SUMS_AT, productsAt(count));
      int at = outOffset + t * outStride;
      multiply(functions, w, rowFrom, rowTo, count, work, out, at, outStride);
    }
  }

  // What lies in the working memory behind the panel: partial sums, products, activations.

  private static long productsAt(int tokens) {
    return SUMS_AT + (long) tokens * TileKernel.SUM_BYTES;
  }

  private static long xAt(int tokens) {
    return productsAt(tokens) + 4L * tokens * ROWS * PANELS;
  }

  /** With the tokens whose activations are in the working memory. */
  private static void multiply(
      Functions functions,
      SegmentTensor w,
      int rowFrom,
      int rowTo,
      int tokens,
      Work work,
      float[] out,
      int outOffset,
      int outStride) {
    int row = rowFrom;
    while (row < rowTo) {
      if (rowTo - row < ROWS) { // as in FewTokens
        row = rowTo - rowFrom >= ROWS ? rowTo - ROWS : row;
      }
      boolean alone = rowTo - row < ROWS;
      int panels = alone ? 1 : Math.min((rowTo - row) / ROWS, PANELS);
      for (int p = 0; p < panels; p++) {
        multiply(functions, w, row + p, alone ? 0 : panels, tokens, work, p);
      }
      int streams = alone ? 1 : ROWS;
      for (int t = 0; t < tokens; t++) {
        for (int k = 0; k < streams; k++) {
          long at = productsAt(tokens) + 4L * PANELS * (t * ROWS + k);
          work.copy(at, panels, out, outOffset + t * outStride + row + k * panels);
        }
      }
      row += streams * panels;
    }
  }

  /**
   * Four rows, whose products are the p-th ones.
   *
   * @param apart rows from one to the next
   */
  private static void multiply(
      Functions functions, SegmentTensor w, int row, int apart, int tokens, Work work, int p) {
    long panel = work.memory().address() + Work.X;
    long sums = panel + SUMS_AT;
    long x = panel + xAt(tokens);
    for (int k = 0; k < w.columns(); k += DEPTH) {
      int depth = Math.min(DEPTH, w.columns() - k);
      functions.panel(w, row, apart, k, depth, work);
      functions.tile(x + 4L * k, Work.tokenBytes(w.columns()), 4L * depth, tokens, sums, panel);
    }
    functions.fold(sums, tokens, panel + productsAt(tokens) + 4L * p, 4L * ROWS * PANELS);
  }
}

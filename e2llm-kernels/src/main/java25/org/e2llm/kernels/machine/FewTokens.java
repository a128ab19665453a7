package org.e2llm.kernels.machine;

import static org.e2llm.kernels.machine.RowKernel.ROWS;
import static org.e2llm.kernels.machine.RowKernel.TOKENS;

import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.SegmentTensor;

/**
 * Matrix products with few tokens, up to four at a time: weights become floats once for these, in
 * registers.
 */
final class FewTokens {
  /** With more, weights are better kept as floats, see {@link ManyTokens}. */
  static final int MOST = 8;

  /** Weights that come from memory once for all tokens, and from the L2 cache then. */
  private static final int CACHED_BYTES = 128 << 10;

  private FewTokens() {}

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
    long apart = Work.tokenBytes(w.columns());
    Work work = Work.of(scratch, tokens * apart);
    work.setX(x, xOffset, xStride, tokens, w.columns(), 0);
    int mostTurns =
        tokens <= TOKENS ? Work.TURNS : (int) Math.max(1, CACHED_BYTES / (ROWS * w.rowBytes()));
    int row = rowFrom;
    while (row < rowTo) {
      if (rowTo - row < ROWS) {
        // The last rows: with some before them once more, or a row four times at once.
        row = rowTo - rowFrom >= ROWS ? rowTo - ROWS : row;
      }
      boolean alone = rowTo - row < ROWS;
      int turns = alone ? 1 : Math.min((rowTo - row) / ROWS, Math.min(mostTurns, Work.TURNS));
      int streams = alone ? 1 : ROWS;
      for (int t = 0; t < tokens; t += TOKENS) {
        int count = Math.min(TOKENS, tokens - t);
        work.setTokens(t * apart, apart);
        functions.product(w, row, alone ? 0 : turns, turns, count, work);
        for (int i = 0; i < count; i++) {
          int at = outOffset + (t + i) * outStride + row;
          for (int k = 0; k < streams; k++) {
            work.copyProducts(i, k, turns, out, at + k * turns);
          }
        }
      }
      row += streams * turns;
    }
  }
}

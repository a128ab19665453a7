package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Tile.ROWS;

import java.util.Arrays;

/** Matrix products with one token. */
final class VectorMatvec {
  private static final int DEPTH = 512;

  private VectorMatvec() {}

  static void multiply(
      Tensor w,
      int rowFrom,
      int rowTo,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      Scratch scratch) {
    int n = w.columns();
    int whole = n - n % GROUP;
    int spareAt = ROWS * (DEPTH + GROUP);
    int sumsAt = ROWS * DEPTH;
    float[] work = scratch.floats(spareAt + Math.max(n, DEPTH));
    for (int r = rowFrom; r < rowTo; r += ROWS) {
      int rows = Math.min(ROWS, rowTo - r);
      Arrays.fill(work, sumsAt, spareAt, 0f);
      for (int k = 0; k < whole; k += DEPTH) {
        int depth = Math.min(DEPTH, whole - k);
        WeightPanel.read(w, r, rows, k, depth, work, 0, spareAt);
        Tile.accumulateOne(work, 0, x, xOffset + k, depth, work, sumsAt);
      }
      if (whole < n) {
        RowRest.add(w, r, rows, x, xOffset, 0, 1, work, sumsAt, spareAt);
      }
      for (int i = 0; i < rows; i++) {
        out[outOffset + r + i] = Lanes.sum(work, sumsAt + i * GROUP);
      }
    }
  }
}

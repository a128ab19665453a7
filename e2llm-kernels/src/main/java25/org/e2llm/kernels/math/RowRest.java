package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Tile.ROWS;

/** The last {@code n mod 16} columns of a product, which only types without blocks have. */
final class RowRest {
  private RowRest() {}

  /**
   * Adds them to the partial sums.
   *
   * @param sums 16 per pair at {@code sumsAt + (token * ROWS + row) * 16}
   * @param rowAt {@code w.columns()} floats of {@code work} that may be overwritten
   */
  static void add(
      Tensor w,
      int r,
      int rows,
      float[] x,
      int xOffset,
      int xStride,
      int tokens,
      float[] work,
      int sumsAt,
      int rowAt) {
    int n = w.columns();
    int whole = n - n % GROUP;
    for (int i = 0; i < rows; i++) {
      Dequantizer.of(w.type()).dequantize(w.buffer(r + i), w.offset(r + i), n, work, rowAt);
      for (int t = 0; t < tokens; t++) {
        int sums = sumsAt + (t * ROWS + i) * GROUP;
        int xt = xOffset + t * xStride;
        for (int k = whole; k < n; k++) {
          work[sums + k - whole] = Math.fma(work[rowAt + k], x[xt + k], work[sums + k - whole]);
        }
      }
    }
  }
}

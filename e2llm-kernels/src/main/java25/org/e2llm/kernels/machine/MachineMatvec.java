package org.e2llm.kernels.machine;

import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.SegmentTensor;

/** Matrix products with one token. */
final class MachineMatvec {
  private MachineMatvec() {}

  /** As {@link org.e2llm.kernels.math.Kernels#matmul} with one token. */
  static void multiply(
      Functions functions,
      SegmentTensor w,
      int rowFrom,
      int rowTo,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      Scratch scratch) {
    Work work = Work.of(scratch, 4L * w.columns());
    work.setX(x, xOffset, w.columns(), 0);
    int row = rowFrom;
    while (row < rowTo) {
      int left = rowTo - row;
      if (left < RowKernel.ROWS) {
        // The last rows: with some before them once more, or a row four times at once.
        row = rowTo - rowFrom >= RowKernel.ROWS ? rowTo - RowKernel.ROWS : row;
      }
      boolean alone = rowTo - row < RowKernel.ROWS;
      int turns = alone ? 1 : Math.min((rowTo - row) / RowKernel.ROWS, Work.TURNS);
      functions.product(w, row, alone ? 0 : turns, turns, work);
      for (int k = 0; k < (alone ? 1 : RowKernel.ROWS); k++) {
        work.products(k * Work.TURNS, turns, out, outOffset + row + k * turns);
      }
      row += alone ? 1 : RowKernel.ROWS * turns;
    }
  }
}

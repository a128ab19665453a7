package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Tile.ROWS;

import java.util.Arrays;

/**
 * Matrix products with one token: fused where there is a kernel for the type, else widened into a
 * panel of a few KiB first.
 */
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
    FusedRows fused = FusedRows.find(w.type());
    if (fused != null && w instanceof SegmentTensor tensor) {
      fused(fused, tensor, rowFrom, rowTo, x, xOffset, out, outOffset, scratch);
    } else {
      widened(w, rowFrom, rowTo, x, xOffset, out, outOffset, scratch);
    }
  }

  private static void fused(
      FusedRows kernel,
      SegmentTensor w,
      int rowFrom,
      int rowTo,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      Scratch scratch) {
    int n = w.columns();
    int whole = n - n % GROUP;
    int spareAt = ROWS * GROUP;
    float[] work = scratch.floats(spareAt + n);
    // Each of the two rows of a turn goes on where the one before it ended, so that memory is read
    // as two long streams. Side by side they would jump every row, which leaves the prefetcher of
    // a Zen 4 behind: half the speed.
    int pairs = (rowTo - rowFrom + 1) / 2;
    for (int i = 0; i < pairs; i++) {
      int r = rowFrom + i;
      int other = Math.min(r + pairs, rowTo - 1);
      kernel.multiply(
          w.segment(), r * w.rowBytes(), other * w.rowBytes(), whole, x, xOffset, work, scratch);
      finish(w, r, 1, x, xOffset, work, 0, spareAt, out, outOffset + r);
      finish(w, other, 1, x, xOffset, work, GROUP, spareAt, out, outOffset + other);
    }
  }

  private static void widened(
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
    int sumsAt = ROWS * DEPTH;
    int spareAt = sumsAt + ROWS * GROUP;
    float[] work = scratch.floats(spareAt + Math.max(n, DEPTH));
    for (int r = rowFrom; r < rowTo; r += ROWS) {
      int rows = Math.min(ROWS, rowTo - r);
      Arrays.fill(work, sumsAt, spareAt, 0f);
      for (int k = 0; k < whole; k += DEPTH) {
        int depth = Math.min(DEPTH, whole - k);
        WeightPanel.read(w, r, rows, k, depth, work, 0, spareAt);
        Tile.accumulateOne(work, 0, x, xOffset + k, depth, work, sumsAt);
      }
      finish(w, r, rows, x, xOffset, work, sumsAt, spareAt, out, outOffset + r);
    }
  }

  /** Adds the columns behind the last group, then the partial sums. */
  private static void finish(
      Tensor w,
      int r,
      int rows,
      float[] x,
      int xOffset,
      float[] work,
      int sumsAt,
      int spareAt,
      float[] out,
      int o) {
    if (w.columns() % GROUP != 0) {
      RowRest.add(w, r, rows, x, xOffset, 0, 1, work, sumsAt, spareAt);
    }
    for (int i = 0; i < rows; i++) {
      out[o + i] = Lanes.sum(work, sumsAt + i * GROUP);
    }
  }
}

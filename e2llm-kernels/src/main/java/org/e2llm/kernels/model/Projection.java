package org.e2llm.kernels.model;

import org.e2llm.kernels.math.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A linear map: some rows of a weight matrix, and a bias where there is one. Several projections
 * may share a matrix (fused queries, keys and values).
 *
 * @param tensor rows of inputs
 * @param firstRow of the matrix
 * @param rows outputs of this projection
 * @param bias added to the outputs, or null
 */
record Projection(Tensor tensor, int firstRow, int rows, float @Nullable [] bias) {

  static Projection of(Tensor tensor, float @Nullable [] bias) {
    return new Projection(tensor, 0, tensor.rows(), bias);
  }

  /**
   * One worker's share of {@code out[outOffset + t * outStride + r] = w[r] · x[t * xStride ...] +
   * bias[r]} for all tokens t.
   *
   * @param outOffset at least {@code firstRow}
   */
  void apply(
      Compute compute,
      int worker,
      int workers,
      float[] x,
      int xStride,
      int tokens,
      float[] out,
      int outOffset,
      int outStride) {
    int from = Compute.cut(rows, worker, workers);
    int to = Compute.cut(rows, worker + 1, workers);
    if (from == to) {
      return;
    }
    compute
        .kernels()
        .matmul(
            tensor,
            firstRow + from,
            firstRow + to,
            x,
            0,
            xStride,
            tokens,
            out,
            outOffset - firstRow,
            outStride,
            compute.scratch(worker));
    float[] added = bias;
    if (added != null) {
      for (int t = 0; t < tokens; t++) {
        compute.kernels().add(out, outOffset + t * outStride + from, added, from, to - from);
      }
    }
  }
}

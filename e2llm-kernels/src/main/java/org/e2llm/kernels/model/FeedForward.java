package org.e2llm.kernels.model;

import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.WorkerTeam;

/**
 * {@code branch = down(activation(gate(normed)) * up(normed))} over all rows (GLU, arXiv
 * 2002.05202).
 */
final class FeedForward {
  private final ModelConfig config;
  private final LayerWeights weights;
  private final RunState state;
  private final Compute compute;
  private final int inner;
  private final WorkerTeam.Task expand = this::expand;
  private final WorkerTeam.Task contract = this::contract;

  FeedForward(ModelConfig config, LayerWeights weights, RunState state, Compute compute) {
    this.config = config;
    this.weights = weights;
    this.state = state;
    this.compute = compute;
    this.inner = config.feedForwardLength();
  }

  void forward() {
    compute.run(expand);
    compute.run(contract);
  }

  /** A worker computes the same rows of gate and up, so that it can combine them at once. */
  private void expand(int worker, int workers) {
    int width = config.embeddingLength();
    int rows = state.rows;
    float[] out = state.gateUp;
    int stride = 2 * inner;
    weights.gate().apply(compute, worker, workers, state.normed, width, rows, out, 0, stride);
    weights.up().apply(compute, worker, workers, state.normed, width, rows, out, inner, stride);
    int from = Compute.cut(inner, worker, workers);
    int count = Compute.cut(inner, worker + 1, workers) - from;
    Kernels kernels = compute.kernels();
    Scratch scratch = compute.scratch(worker);
    for (int row = 0; row < rows; row++) {
      int gate = row * stride + from;
      if (config.activation() == Activation.GELU) {
        kernels.geluMultiply(out, gate, out, gate + inner, count, scratch);
      } else {
        kernels.siluMultiply(out, gate, out, gate + inner, count, scratch);
      }
    }
  }

  private void contract(int worker, int workers) {
    int width = config.embeddingLength();
    weights
        .down()
        .apply(
            compute, worker, workers, state.gateUp, 2 * inner, state.rows, state.branch, 0, width);
  }
}

package org.e2llm.kernels.model;

import org.e2llm.kernels.math.Tensor;
import org.e2llm.kernels.math.WorkerTeam;
import org.e2llm.pipeline.Batch;

/** Fills the hidden states and the rotation angles of a batch's rows. */
final class Embedding {
  private final ModelConfig config;
  private final StageWeights weights;
  private final RunState state;
  private final Compute compute;
  private final WorkerTeam.Task embed = this::embed;
  private int[] tokens = new int[0];

  Embedding(ModelConfig config, StageWeights weights, RunState state, Compute compute) {
    this.config = config;
    this.weights = weights;
    this.state = state;
    this.compute = compute;
  }

  /** From token ids at the first stage, from hidden states after it. */
  void forward(Batch batch) {
    int width = config.embeddingLength();
    int[] ids = batch.tokens();
    float[] hidden = batch.hidden();
    if (hidden != null) {
      System.arraycopy(hidden, 0, state.hidden, 0, state.rows * width);
    }
    tokens = ids == null ? new int[0] : ids;
    compute.runRows(embed, (long) state.rows * width);
  }

  private void embed(int worker, int workers) {
    Tensor table = weights.embedding();
    int width = config.embeddingLength();
    int to = Compute.share(state.rows, worker + 1, workers);
    for (int row = Compute.share(state.rows, worker, workers); row < to; row++) {
      if (table != null) {
        compute
            .kernels()
            .dequantizeRow(table, tokens[row], state.hidden, row * width, compute.scratch(worker));
        if (config.embeddingScale() != 1) {
          compute.kernels().scale(state.hidden, row * width, config.embeddingScale(), width);
        }
      }
      rotationOf(row);
    }
  }

  private void rotationOf(int row) {
    int position = state.positions[row];
    weights.rope().fill(position, state.cos, state.sin, row * config.rope().pairs());
    RopeConfig sliding = config.slidingRope();
    if (sliding != null) {
      weights
          .slidingRope()
          .fill(position, state.slidingCos, state.slidingSin, row * sliding.pairs());
    }
  }
}

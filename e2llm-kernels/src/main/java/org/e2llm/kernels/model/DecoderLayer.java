package org.e2llm.kernels.model;

import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.WorkerTeam;
import org.jspecify.annotations.Nullable;

/**
 * One transformer block over all rows of a batch: norm, attention, residual, norm, feed-forward,
 * residual; with the norms after each branch that some architectures add.
 *
 * <p>Holds weights and the way to compute, no state of a session: that comes with the rows.
 */
final class DecoderLayer {
  private final LayerWeights weights;
  private final float epsilon;
  private final int width;
  private final RunState state;
  private final Compute compute;
  private final Attention attention;
  private final FeedForward feedForward;
  private final WorkerTeam.Task toAttention = this::toAttention;
  private final WorkerTeam.Task toFeedForward = this::toFeedForward;
  private final WorkerTeam.Task toNextLayer = this::toNextLayer;

  /**
   * @param layer absolute number
   * @param workspace shared by the layers of a stage
   */
  DecoderLayer(
      ModelConfig config,
      int layer,
      LayerWeights weights,
      RunState state,
      Compute compute,
      AttentionWorkspace workspace) {
    this.weights = weights;
    this.epsilon = config.rmsEpsilon();
    this.width = config.embeddingLength();
    this.state = state;
    this.compute = compute;
    this.attention = new Attention(config, layer, weights, state, compute, workspace);
    this.feedForward = new FeedForward(config, weights, state, compute);
  }

  /** Takes {@code state.hidden} through the layer, in place. */
  void forward() {
    long elements = (long) state.rows * width;
    compute.runRows(toAttention, elements);
    attention.forward();
    compute.runRows(toFeedForward, elements);
    feedForward.forward();
    compute.runRows(toNextLayer, elements);
  }

  private void toAttention(int worker, int workers) {
    for (int row = from(worker, workers); row < from(worker + 1, workers); row++) {
      norm(row, weights.attnNorm());
    }
  }

  private void toFeedForward(int worker, int workers) {
    for (int row = from(worker, workers); row < from(worker + 1, workers); row++) {
      addBranch(row, weights.postAttentionNorm());
      norm(row, weights.ffnNorm());
    }
  }

  private void toNextLayer(int worker, int workers) {
    for (int row = from(worker, workers); row < from(worker + 1, workers); row++) {
      addBranch(row, weights.postFfwNorm());
    }
  }

  private void norm(int row, float[] weight) {
    int at = row * width;
    compute.kernels().rmsNorm(state.hidden, at, weight, width, epsilon, state.normed, at);
  }

  private void addBranch(int row, float @Nullable [] postNorm) {
    Kernels kernels = compute.kernels();
    int at = row * width;
    if (postNorm != null) {
      kernels.rmsNorm(state.branch, at, postNorm, width, epsilon, state.branch, at);
    }
    kernels.add(state.hidden, at, state.branch, at, width);
  }

  private int from(int worker, int workers) {
    return Compute.share(state.rows, worker, workers);
  }
}

package org.e2llm.kernels.model;

import java.util.List;
import org.e2llm.NonFiniteLogitsException;
import org.e2llm.kernels.math.WorkerTeam;
import org.e2llm.pipeline.Batch;

/** The last norm and the output head, for the rows whose logits are wanted and no others. */
final class OutputHead {
  private static final int INFINITY_BITS = 0x7f800000;

  private final ModelConfig config;
  private final float[] norm;
  private final Projection output;
  private final RunState state;
  private final Compute compute;
  private final WorkerTeam.Task project = this::project;
  private final int[] largest;
  private int logitRows;

  OutputHead(ModelConfig config, float[] norm, Projection output, RunState state, Compute compute) {
    this.config = config;
    this.norm = norm;
    this.output = output;
    this.state = state;
    this.compute = compute;
    largest = new int[compute.workers()];
  }

  /**
   * Fills {@code state.logits}.
   *
   * @throws NonFiniteLogitsException names the session and position of the first bad row
   */
  void forward(Batch batch) {
    logitRows = batch.logitRows();
    if (logitRows == 0) {
      return;
    }
    state.growLogits(logitRows);
    gather(batch.slices());
    compute.run(project);
    for (int bits : largest) {
      if (bits >= INFINITY_BITS) {
        throw nonFinite(batch.slices());
      }
    }
  }

  private void gather(List<Batch.Slice> slices) {
    int width = config.embeddingLength();
    int to = 0;
    for (int i = 0; i < slices.size(); i++) {
      int end = state.sliceRows[i + 1];
      for (int row = end - slices.get(i).logitRows(); row < end; row++, to++) {
        compute
            .kernels()
            .rmsNorm(
                state.hidden,
                row * width,
                norm,
                width,
                config.rmsEpsilon(),
                state.logitInput,
                to * width);
      }
    }
  }

  private void project(int worker, int workers) {
    int width = config.embeddingLength();
    int vocabulary = config.vocabularySize();
    output.apply(
        compute, worker, workers, state.logitInput, width, logitRows, state.logits, 0, vocabulary);
    int from = Compute.cut(vocabulary, worker, workers);
    int to = Compute.cut(vocabulary, worker + 1, workers);
    int most = 0;
    for (int row = 0; row < logitRows; row++) {
      most = Math.max(most, largestMagnitude(row * vocabulary + from, row * vocabulary + to));
    }
    largest[worker] = most;
  }

  /** The bits of the largest magnitude; NaN and infinity are above all numbers. */
  private int largestMagnitude(int from, int to) {
    float[] logits = state.logits;
    int most = 0;
    for (int i = from; i < to; i++) {
      most = Math.max(most, Float.floatToRawIntBits(logits[i]) & 0x7fffffff);
    }
    return most;
  }

  private NonFiniteLogitsException nonFinite(List<Batch.Slice> slices) {
    int vocabulary = config.vocabularySize();
    int row = 0;
    for (Batch.Slice slice : slices) {
      for (int i = slice.logitRows(); i > 0; i--, row++) {
        if (largestMagnitude(row * vocabulary, (row + 1) * vocabulary) >= INFINITY_BITS) {
          return new NonFiniteLogitsException(
              "session "
                  + slice.session()
                  + " has NaN or infinite logits at position "
                  + (slice.start() + slice.length() - i)
                  + ": weights are damaged or overflow");
        }
      }
    }
    throw new IllegalStateException("the bad row is gone");
  }
}

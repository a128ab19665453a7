package org.e2llm.planner.cost;

import org.e2llm.InvalidRequestException;
import org.e2llm.model.LayerRange;

/**
 * One step that a device has computed: what was in it (see {@link StageCost#seconds}) and how long
 * it took.
 */
public record StepSample(
    LayerRange layers,
    int promptTokens,
    double promptContext,
    int decodeRows,
    long cachedTokens,
    int logitRows,
    double seconds) {
  public StepSample {
    if (!(seconds > 0) || Double.isInfinite(seconds)) {
      throw new InvalidRequestException(
          "a step of layers " + layers + " took " + seconds + " seconds, expected is more than 0");
    }
    if (layers.size() == 0
        || promptTokens < 0
        || !(promptContext >= 0)
        || Double.isInfinite(promptContext)
        || decodeRows < 0
        || cachedTokens < 0
        || logitRows < 0
        || promptTokens + decodeRows == 0) {
      throw new InvalidRequestException(
          "a step of layers "
              + layers
              + " with "
              + promptTokens
              + " prompt tokens of context "
              + promptContext
              + ", "
              + decodeRows
              + " decode rows, "
              + cachedTokens
              + " cached tokens and "
              + logitRows
              + " logit rows is none");
    }
  }

  /** Rows that go through the layers. */
  int rows() {
    return promptTokens + decodeRows;
  }
}

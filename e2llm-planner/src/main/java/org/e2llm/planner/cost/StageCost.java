package org.e2llm.planner.cost;

import java.util.List;

/**
 * What steps of one stage cost: a layer range on a device. Made once, called often: no allocation.
 */
public interface StageCost {
  /**
   * Seconds of one step, in which prompt chunks and decoding sequences may go together. What is not
   * in the step is 0. Never falls when any of the numbers rises, nor when a layer is added.
   *
   * @param promptTokens tokens of prompt chunks (c)
   * @param promptContext mean number of positions each of them attends to (n)
   * @param decodeRows sequences that take one token each (b)
   * @param cachedTokens tokens in the KV caches of the decoding sequences, all together (K)
   * @param logitRows rows that go through the output head; ignored unless the stage is the last
   */
  double seconds(
      int promptTokens, double promptContext, int decodeRows, long cachedTokens, int logitRows);

  /** A prompt chunk alone; {@code logitRows} is 1 if the prompt ends in it. */
  default double prefillSeconds(int promptTokens, double promptContext, int logitRows) {
    return seconds(promptTokens, promptContext, 0, 0, logitRows);
  }

  /** A decode step alone. */
  default double decodeSeconds(int rows, long cachedTokens) {
    return seconds(0, 0, rows, cachedTokens, rows);
  }

  /**
   * Lines that no step is below; each of them holds, one at least is given. The more of them touch
   * the cost the better are bounds that follow from them.
   */
  default List<StepFloor> floors() {
    return List.of(StepFloor.constant(Math.min(seconds(1, 0, 0, 0, 0), seconds(0, 0, 1, 0, 0))));
  }
}

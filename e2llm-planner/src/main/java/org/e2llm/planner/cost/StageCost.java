package org.e2llm.planner.cost;

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
}

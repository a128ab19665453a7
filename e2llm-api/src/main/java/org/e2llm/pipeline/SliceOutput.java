package org.e2llm.pipeline;

import org.e2llm.E2llmException;
import org.e2llm.text.Sampled;
import org.jspecify.annotations.Nullable;

/**
 * What a replica gives for one slice of a batch.
 *
 * @param slice the slice
 * @param token the token sampled for position {@code start + length}, or null if none was to be
 * @param logits of a session that does not sample and asked for them, or null
 * @param error why this session cannot go on, or null
 */
public record SliceOutput(
    Batch.Slice slice,
    @Nullable Sampled token,
    @Nullable Logits logits,
    @Nullable E2llmException error) {
  /**
   * Rows of logits, lent until the next step.
   *
   * @param data row r starts at {@code data[offset + r * width]}
   * @param offset of the first row
   * @param rows how many
   * @param width vocabulary size
   */
  public record Logits(float[] data, int offset, int rows, int width) {}
}

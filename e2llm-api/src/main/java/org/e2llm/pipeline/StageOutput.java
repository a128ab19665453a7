package org.e2llm.pipeline;

/**
 * What a stage gives for a batch: hidden states of every row, or at the last stage the logits that
 * the slices asked for, slice after slice.
 *
 * <p>{@code data} belongs to the stage and is valid until its next {@code forward}; it may be
 * longer than rows × width.
 *
 * @param data row r starts at {@code data[r * width]}
 * @param rows rows in {@code data}
 * @param width embedding length, or vocabulary size at the last stage
 */
public record StageOutput(float[] data, int rows, int width) {}

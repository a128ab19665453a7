package org.e2llm.pipeline;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of one or more sessions that go through a stage together.
 *
 * <p>Rows stand slice after slice, in the order of {@link #slices()}. At the first stage a row is a
 * token id, after it a hidden state of {@link #width()} floats. A batch is read-only while a stage
 * works on it; its arrays belong to whoever made it.
 */
public final class Batch {
  /** Which logits a slice wants from the last stage. */
  public enum Logits {
    NONE,
    /** Of the slice's last position. */
    LAST,
    /** Of every position. */
    ALL
  }

  /**
   * Consecutive positions of one session.
   *
   * @param session the session's id
   * @param epoch the session's epoch; a stage refuses what is older than it has seen
   * @param start absolute position of the first row
   * @param length rows, at least 1
   * @param logits what the last stage gives for it
   */
  public record Slice(long session, int epoch, int start, int length, Logits logits) {
    public Slice {
      if (start < 0 || length < 1) {
        throw new IllegalArgumentException("slice at " + start + " of length " + length);
      }
    }

    /** Rows of logits this slice asks for. */
    public int logitRows() {
      return logits == Logits.NONE ? 0 : logits == Logits.LAST ? 1 : length;
    }
  }

  private final List<Slice> slices;
  private final int @Nullable [] tokens;
  private final float @Nullable [] hidden;
  private final int width;
  private final int rows;

  private Batch(List<Slice> slices, int @Nullable [] tokens, float @Nullable [] hidden, int width) {
    this.slices = List.copyOf(slices);
    this.tokens = tokens;
    this.hidden = hidden;
    this.width = width;
    int sum = 0;
    for (Slice slice : slices) {
      sum += slice.length();
    }
    this.rows = sum;
    long held = tokens != null ? tokens.length : hidden != null ? hidden.length : 0;
    if (rows == 0 || held < (long) rows * width) {
      throw new IllegalArgumentException(held + " elements for " + rows + " rows of " + width);
    }
  }

  /** A batch for a first stage: {@code tokens[r]} is the token of row r. */
  public static Batch ofTokens(List<Slice> slices, int[] tokens) {
    return new Batch(slices, tokens, null, 1);
  }

  /** A batch for a later stage: row r starts at {@code hidden[r * width]}. */
  public static Batch ofHidden(List<Slice> slices, float[] hidden, int width) {
    return new Batch(slices, null, hidden, width);
  }

  public List<Slice> slices() {
    return slices;
  }

  /** Whether it takes one token of each session, and none is a session's first. */
  public boolean decodes() {
    for (Slice slice : slices) {
      if (slice.length() > 1 || slice.start() == 0) {
        return false;
      }
    }
    return true;
  }

  public int rows() {
    return rows;
  }

  /** Token ids, one per row, or null in a batch of hidden states. */
  public int @Nullable [] tokens() {
    return tokens;
  }

  /** Hidden states, rows × {@link #width()}, or null in a batch of tokens. */
  public float @Nullable [] hidden() {
    return hidden;
  }

  /** Floats per row; 1 for tokens. */
  public int width() {
    return width;
  }

  /** Rows of logits the last stage gives for the whole batch. */
  public int logitRows() {
    int sum = 0;
    for (Slice slice : slices) {
      sum += slice.logitRows();
    }
    return sum;
  }
}

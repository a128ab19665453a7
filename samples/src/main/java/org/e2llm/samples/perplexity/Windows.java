package org.e2llm.samples.perplexity;

import org.jspecify.annotations.Nullable;

/**
 * A tokenised text, cut into windows of equal size that follow each other. An incomplete last one
 * is dropped.
 */
final class Windows {
  private final int[] tokens;
  private final int size;
  private final @Nullable Integer bos;
  private final int step;

  /**
   * @param size tokens per window, {@code bos} included
   * @param bos put first into every window, or null
   */
  Windows(int[] tokens, int size, @Nullable Integer bos) {
    this.tokens = tokens;
    this.size = size;
    this.bos = bos;
    this.step = bos == null ? size : size - 1;
  }

  int count() {
    return tokens.length / step;
  }

  int[] get(int index) {
    int[] window = new int[size];
    if (bos != null) {
      window[0] = bos;
    }
    System.arraycopy(tokens, index * step, window, size - step, step);
    return window;
  }
}

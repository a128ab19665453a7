package org.e2llm.model;

/**
 * The layers {@code [from, to)}, numbered as in GGUF ({@code blk.N}): absolute everywhere.
 *
 * @param from first layer
 * @param to one past the last layer; equal to {@code from} for an empty range
 */
public record LayerRange(int from, int to) {
  public LayerRange {
    if (from < 0 || to < from) {
      throw new IllegalArgumentException("layer range [" + from + ", " + to + ") is not ordered");
    }
  }

  public static LayerRange of(int from, int to) {
    return new LayerRange(from, to);
  }

  public int size() {
    return to - from;
  }

  public boolean contains(int layer) {
    return layer >= from && layer < to;
  }

  public boolean contains(LayerRange other) {
    return other.from >= from && other.to <= to;
  }

  @Override
  public String toString() {
    return "[" + from + ", " + to + ")";
  }
}

package org.e2llm.kernels.model;

/**
 * The attention heads of a layer. Query heads {@code [g * group, (g + 1) * group)} share key and
 * value head g.
 *
 * @param count query heads
 * @param countKv key and value heads; divides {@code count}
 * @param keyLength elements of a query and of a key head
 * @param valueLength elements of a value head
 * @param scale what every score is multiplied with, usually 1 / sqrt(keyLength)
 */
public record Heads(int count, int countKv, int keyLength, int valueLength, float scale) {
  /** Query heads per key head. */
  public int group() {
    return count / countKv;
  }

  /** Elements of all query heads. */
  public int queryWidth() {
    return count * keyLength;
  }

  /** Elements of all key heads. */
  public int keyWidth() {
    return countKv * keyLength;
  }

  /** Elements of all value heads. */
  public int valueWidth() {
    return countKv * valueLength;
  }

  /** Elements of all attention outputs. */
  public int outputWidth() {
    return count * valueLength;
  }

  /** Elements of queries, keys and values of one row, which lie in this order. */
  public int qkvWidth() {
    return queryWidth() + keyWidth() + valueWidth();
  }
}

package org.e2llm.kernels.tokenizer;

import java.util.Arrays;

/**
 * Merges that could be done next: a binary heap of (order, pair), smallest order first. What is
 * outdated stays in and is told by its pair when it comes out. Not thread-safe.
 */
final class MergeQueue {
  private long[] orders = new long[64];
  private long[] pairs = new long[64];
  private int size;

  /** An order that puts smaller ranks first and then places further left. */
  static long order(int rank, int place) {
    return ((long) rank << 32) | place;
  }

  static int place(long order) {
    return (int) order;
  }

  static int rank(long order) {
    return (int) (order >> 32);
  }

  boolean isEmpty() {
    return size == 0;
  }

  void clear() {
    size = 0;
  }

  long firstOrder() {
    return orders[0];
  }

  long firstPair() {
    return pairs[0];
  }

  void add(long order, long pair) {
    if (size == orders.length) {
      orders = Arrays.copyOf(orders, size + (size >> 1));
      pairs = Arrays.copyOf(pairs, orders.length);
    }
    int at = size++;
    while (at > 0) {
      int parent = (at - 1) >>> 1;
      if (orders[parent] <= order) {
        break;
      }
      orders[at] = orders[parent];
      pairs[at] = pairs[parent];
      at = parent;
    }
    orders[at] = order;
    pairs[at] = pair;
  }

  void removeFirst() {
    size--;
    long order = orders[size];
    long pair = pairs[size];
    int at = 0;
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && orders[child + 1] < orders[child]) {
        child++;
      }
      if (orders[child] >= order) {
        break;
      }
      orders[at] = orders[child];
      pairs[at] = pairs[child];
      at = child;
    }
    orders[at] = order;
    pairs[at] = pair;
  }
}

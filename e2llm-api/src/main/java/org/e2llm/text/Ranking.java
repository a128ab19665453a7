package org.e2llm.text;

/**
 * Candidates of the sampling chain: token ids, all or the best of them, without sorting a whole
 * vocabulary when few are wanted. Better means a higher logit, ties go to the lower id. Tokens
 * whose logit is negative infinity are never candidates.
 */
final class Ranking {
  private final int[] ids;
  private int size;
  private int heapStart;

  Ranking(int vocabularySize) {
    this.ids = new int[vocabularySize];
  }

  int size() {
    return size;
  }

  int id(int candidate) {
    return ids[candidate];
  }

  void cut(int count) {
    size = Math.min(size, count);
  }

  /** Every token that is not forbidden, by id. */
  void keepAll(float[] logits) {
    size = 0;
    for (int id = 0; id < ids.length; id++) {
      if (logits[id] > Float.NEGATIVE_INFINITY) {
        ids[size++] = id;
      }
    }
  }

  /** Of the candidates, by id, those with a logit of at least {@code least}. Gives how many. */
  int keepAtLeast(float[] logits, double least) {
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (logits[ids[i]] >= least) {
        ids[kept++] = ids[i];
      }
    }
    size = kept;
    return kept;
  }

  /** The {@code count} best tokens, best first: a heap of that size with its worst on top. */
  void keepBest(float[] logits, int count) {
    size = 0;
    int wanted = Math.min(count, ids.length);
    if (wanted == 0) {
      return;
    }
    for (int id = 0; id < ids.length; id++) {
      if (logits[id] == Float.NEGATIVE_INFINITY) {
        continue;
      }
      if (size < wanted) {
        ids[size++] = id;
        if (size == wanted) {
          for (int i = size / 2 - 1; i >= 0; i--) {
            sinkWorst(logits, i, size);
          }
        }
      } else if (better(logits, id, ids[0])) {
        ids[0] = id;
        sinkWorst(logits, 0, size);
      }
    }
    if (size < wanted) {
      for (int i = size / 2 - 1; i >= 0; i--) {
        sinkWorst(logits, i, size);
      }
    }
    for (int end = size - 1; end > 0; end--) {
      swap(0, end);
      sinkWorst(logits, 0, end);
    }
  }

  /**
   * Prepares {@link #selectNext}. The candidates become a heap that lies backwards at the end of
   * the array, its best last: selected ones take its place from the front.
   */
  void beginSelection(float[] logits) {
    heapStart = 0;
    for (int i = size / 2 - 1; i >= 0; i--) {
      sinkBest(logits, i, size);
    }
  }

  /** Moves the best candidate that is left behind those selected before. */
  void selectNext(float[] logits) {
    int left = size - heapStart;
    int best = ids[size - 1];
    // The heap's slot i is ids[size - 1 - i], so that taking its last slot frees the front.
    ids[size - 1] = ids[heapStart];
    ids[heapStart++] = best;
    sinkBest(logits, 0, left - 1);
  }

  /** Restores the heap of {@code count} slots with its worst on top, below slot i. */
  private void sinkWorst(float[] logits, int i, int count) {
    for (; ; ) {
      int child = 2 * i + 1;
      if (child >= count) {
        return;
      }
      if (child + 1 < count && better(logits, ids[child], ids[child + 1])) {
        child++;
      }
      if (!better(logits, ids[i], ids[child])) {
        return;
      }
      swap(i, child);
      i = child;
    }
  }

  /** Restores the backward heap of {@code count} slots with its best on top, below slot i. */
  private void sinkBest(float[] logits, int i, int count) {
    int top = size - 1;
    for (; ; ) {
      int child = 2 * i + 1;
      if (child >= count) {
        return;
      }
      if (child + 1 < count && better(logits, ids[top - child - 1], ids[top - child])) {
        child++;
      }
      if (!better(logits, ids[top - child], ids[top - i])) {
        return;
      }
      swap(top - i, top - child);
      i = child;
    }
  }

  private static boolean better(float[] logits, int a, int b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
  }

  private void swap(int a, int b) {
    int kept = ids[a];
    ids[a] = ids[b];
    ids[b] = kept;
  }
}

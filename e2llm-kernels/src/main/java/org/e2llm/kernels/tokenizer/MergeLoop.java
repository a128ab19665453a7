package org.e2llm.kernels.tokenizer;

/**
 * Applies a {@link MergeTable} to one word: of the merges possible, the one of lowest rank, the
 * leftmost of these, until none is left. O(n log n). Holds buffers; not thread-safe.
 *
 * <p>Source: Sennrich et al. 2016, arXiv 1508.07909, in the form of GPT-2.
 */
final class MergeLoop {
  private static final int GONE = -1;

  private final MergeTable table;
  private final MergeQueue queue = new MergeQueue();

  /** Symbols of the word, {@link #GONE} where one was merged into that before it. */
  private int[] symbols = new int[64];

  private int[] before = new int[64];
  private int[] after = new int[64];
  private int lastRank = -1;

  MergeLoop(MergeTable table) {
    this.table = table;
  }

  /** Merges the bytes {@code text[from, to)} and adds the resulting symbols to {@code result}. */
  void merge(byte[] text, int from, int to, IntList result) {
    int length = to - from;
    if (length > symbols.length) {
      symbols = new int[length];
      before = new int[length];
      after = new int[length];
    }
    for (int i = 0; i < length; i++) {
      symbols[i] = table.byteSymbol(text[from + i]);
      before[i] = i - 1;
      after[i] = i + 1 < length ? i + 1 : GONE;
    }
    for (int i = 0; i + 1 < length; i++) {
      offer(i, i + 1);
    }
    while (!queue.isEmpty()) {
      long order = queue.firstOrder();
      long pair = queue.firstPair();
      queue.removeFirst();
      int left = MergeQueue.place(order);
      int right = after[left];
      if (right == GONE || symbols[left] == GONE || pair(left, right) != pair) {
        continue;
      }
      lastRank = MergeQueue.rank(order);
      symbols[left] = table.result(lastRank);
      symbols[right] = GONE;
      after[left] = after[right];
      if (after[left] != GONE) {
        before[after[left]] = left;
        offer(left, after[left]);
      }
      if (before[left] != GONE) {
        offer(before[left], left);
      }
    }
    for (int i = 0; i != GONE; i = after[i]) {
      result.add(symbols[i]);
    }
  }

  /** Rank of the merge that was done last. */
  int lastRank() {
    return lastRank;
  }

  private void offer(int left, int right) {
    int rank = table.rank(symbols[left], symbols[right]);
    if (rank >= 0) {
      queue.add(MergeQueue.order(rank, left), pair(left, right));
    }
  }

  private long pair(int left, int right) {
    return ((long) symbols[left] << 32) | symbols[right];
  }
}

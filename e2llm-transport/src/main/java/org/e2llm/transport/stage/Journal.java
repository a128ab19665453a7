package org.e2llm.transport.stage;

import java.util.ArrayList;
import java.util.List;

/**
 * The hidden states that came to a stage for one session, from position 0 on, as they were decoded:
 * from them the stage can compute its KV cache, and what it sends on, once more. Ends where memory
 * does: a journal with a gap is worth nothing, so one that cannot go on is given up.
 *
 * <p>Not thread-safe.
 */
final class Journal {
  /** Positions that memory is taken for at a time. */
  private static final int PAGE = 64;

  private final int width;
  private final JournalMemory memory;
  private final List<float[]> pages = new ArrayList<>();
  private int length;
  private boolean over;

  /**
   * Holds nothing.
   *
   * @param width floats of a hidden state
   */
  Journal(int width, JournalMemory memory) {
    this.width = width;
    this.memory = memory;
  }

  /** Positions held. */
  int length() {
    return length;
  }

  /**
   * Takes in {@code count} rows.
   *
   * @param position of the first one
   * @param row of {@code hidden} where they begin
   */
  void add(int position, float[] hidden, int row, int count) {
    if (over || count == 0) {
      return;
    }
    if (position != length || !reserve(length + count)) {
      close();
      return;
    }
    for (int done = 0; done < count; ) {
      int some = Math.min(count - done, PAGE - length % PAGE);
      float[] page = pages.get(length / PAGE);
      System.arraycopy(hidden, (row + done) * width, page, length % PAGE * width, some * width);
      done += some;
      length += some;
    }
  }

  private boolean reserve(int positions) {
    while (pages.size() * PAGE < positions) {
      if (!memory.take(pageBytes())) {
        return false;
      }
      pages.add(new float[PAGE * width]);
    }
    return true;
  }

  private long pageBytes() {
    return 4L * PAGE * width;
  }

  /** Copies the rows of positions {@code [from, to)}, which are held, to row {@code row} on. */
  void read(int from, int to, float[] hidden, int row) {
    for (int position = from; position < to; ) {
      int some = Math.min(to - position, PAGE - position % PAGE);
      float[] page = pages.get(position / PAGE);
      System.arraycopy(
          page, position % PAGE * width, hidden, (row + position - from) * width, some * width);
      position += some;
    }
  }

  /** Drops every position from {@code newLength} on. */
  void truncate(int newLength) {
    length = Math.min(length, newLength);
    while ((pages.size() - 1) * PAGE >= length && !pages.isEmpty()) {
      pages.remove(pages.size() - 1);
      memory.give(pageBytes());
    }
  }

  /** Frees it; nothing is taken in any more. */
  void close() {
    truncate(0);
    over = true;
  }
}

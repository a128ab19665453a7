package org.e2llm.transport.stage;

import java.util.List;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/**
 * Which stages of a ring compute what again for a session that goes on in it. Every stage is to
 * hold the positions before {@link #length}. Those from {@link #first} to {@link #last} compute
 * them, the others hold them already: rows of such positions neither reach them nor are sent on by
 * them. What the first of those that compute is fed comes from the tokens at the ring's first
 * stage, from the journal at a later one.
 *
 * @param length positions that are not new; 0 for a session that begins
 * @param first place in the ring of the first stage that computes them
 * @param last place of the last one; before {@code first} if all stages hold them
 */
record Replay(int length, int first, int last) {
  /** All stages compute everything. */
  static final Replay NONE = new Replay(0, 0, -1);

  /**
   * What a stage still has of a session.
   *
   * @param kv positions that its KV cache holds
   * @param journal positions whose input it has
   */
  record Held(int kv, int journal) {
    static final Held NOTHING = new Held(0, 0);
  }

  /**
   * What takes the least computing. A stage that holds less than others is better left to hold
   * nothing than that all others forget what it lacks, or the other way round: every length that
   * some stage has is tried.
   *
   * @param held by each stage, in order
   * @param layers of each stage
   * @param known tokens, of which the last one is to be fed in any case
   */
  static Replay plan(List<Held> held, int[] layers, int known) {
    Replay best = NONE;
    long least = best.work(layers, known);
    for (int i = 0; i < 2 * held.size(); i++) {
      Held each = held.get(i / 2);
      int length = i % 2 == 0 ? each.kv() : each.journal();
      Replay other = to(Math.min(length, known - 1), held);
      long work = other.work(layers, known);
      if (work < least) {
        best = other;
        least = work;
      }
    }
    return best;
  }

  private static Replay to(int length, List<Held> held) {
    int last = held.size() - 1;
    while (last >= 0 && held.get(last).kv() >= length) {
      last--;
    }
    if (length == 0 || last < 0) {
      return new Replay(length, 0, -1);
    }
    int first = 0;
    while (held.get(first).kv() >= length) {
      first++;
    }
    while (first > 0 && held.get(first).journal() < length) {
      first--;
    }
    return new Replay(length, first, last);
  }

  /** Rows × layers until all known tokens are fed. */
  private long work(int[] layers, int known) {
    long work = 0;
    for (int place = 0; place < layers.length; place++) {
      work += (long) layers[place] * (known - computesFrom(place));
    }
    return work;
  }

  /** Where a stage begins to compute. */
  int computesFrom(int place) {
    return place >= first && place <= last ? 0 : length;
  }

  /** The first position whose row the stage gets from the one before it. */
  int receivesFrom(int place) {
    return place > first && place <= last ? 0 : length;
  }

  /** Where a later stage reads its journal instead: positions before {@link #length}. */
  boolean readsJournal(int place) {
    return place > 0 && place == first && place <= last;
  }

  /** Where the ring is to be fed from. */
  int feedsFrom() {
    return first <= last ? 0 : length;
  }

  void write(FieldWriter out) {
    out.i32(length).i32(first).i32(last);
  }

  /**
   * Reads one.
   *
   * @param stages of the ring
   */
  static Replay read(FieldReader in, int stages) {
    int length = in.i32("replay.length", 1, Integer.MAX_VALUE);
    int first = in.i32("replay.first", 0, stages - 1);
    return new Replay(length, first, in.i32("replay.last", -1, stages - 1));
  }
}

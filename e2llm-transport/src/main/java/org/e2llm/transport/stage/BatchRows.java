package org.e2llm.transport.stage;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.SliceOutput;
import org.jspecify.annotations.Nullable;

/**
 * Which rows of a batch one stage receives, computes and sends on: all, but for those of sessions
 * that go on from what stages hold already. Of each slice they are always the last ones.
 */
final class BatchRows {
  private static final int[] NONE = {};

  private final List<Batch.Slice> slices;
  private final boolean all;

  // By number of the slice: rows.
  private final int[] received;
  private final int[] computed;
  private final int[] sent;

  /** Those with rows to compute, by the numbers of the ring and by those of the stage. */
  private final List<Batch.Slice> named;

  private final List<Batch.Slice> own;

  private BatchRows(List<Batch.Slice> slices, boolean all, List<Batch.Slice> named) {
    this.slices = slices;
    this.all = all;
    this.named = named;
    this.own = all ? slices : new ArrayList<>();
    this.received = all ? NONE : new int[slices.size()];
    this.computed = all ? NONE : new int[slices.size()];
    this.sent = all ? NONE : new int[slices.size()];
  }

  /** Every row of a batch. */
  static BatchRows all(List<Batch.Slice> slices) {
    return new BatchRows(slices, true, slices);
  }

  /**
   * What is for one stage.
   *
   * @param sessions that are open on it
   * @param place of the stage in the ring
   */
  static BatchRows of(List<Batch.Slice> slices, Map<Long, RingSession> sessions, int place) {
    BatchRows rows = new BatchRows(slices, false, new ArrayList<>());
    for (int i = 0; i < slices.size(); i++) {
      rows.add(i, sessions.get(slices.get(i).session()), place);
    }
    return rows;
  }

  private void add(int i, @Nullable RingSession session, int place) {
    Batch.Slice slice = slices.get(i);
    Replay replay = session == null ? Replay.NONE : session.replay();
    received[i] = after(slice, replay.receivesFrom(place));
    computed[i] = after(slice, replay.computesFrom(place));
    sent[i] = after(slice, replay.receivesFrom(place + 1));
    if (computed[i] > 0) {
      named.add(last(slice, slice.session(), computed[i]));
      own.add(last(slice, session == null ? slice.session() : session.kv().id(), computed[i]));
    }
  }

  /** Rows of the slice at {@code position} and behind it. */
  private static int after(Batch.Slice slice, int position) {
    return Math.min(slice.length(), Math.max(0, slice.start() + slice.length() - position));
  }

  private static Batch.Slice last(Batch.Slice slice, long session, int rows) {
    int start = slice.start() + slice.length() - rows;
    return new Batch.Slice(session, slice.epoch(), start, rows, slice.logits());
  }

  /** Whether nothing is left out: slices are those of the batch. */
  boolean isAll() {
    return all;
  }

  /** Rows of slice {@code i} that come from the stage before. */
  int received(int i) {
    return all ? slices.get(i).length() : received[i];
  }

  /** Rows of slice {@code i} that are computed here. */
  int computed(int i) {
    return all ? slices.get(i).length() : computed[i];
  }

  /** Rows of slice {@code i} that the next stage gets. */
  int sent(int i) {
    return all ? slices.get(i).length() : sent[i];
  }

  /** Rows that come from the stage before. */
  int received() {
    return sum(received);
  }

  /** Rows that are computed here. */
  int computed() {
    return sum(computed);
  }

  /** Rows that the next stage gets. */
  int sent() {
    return sum(sent);
  }

  private int sum(int[] rows) {
    int sum = 0;
    for (int i = 0; i < slices.size(); i++) {
      sum += all ? slices.get(i).length() : rows[i];
    }
    return sum;
  }

  /** What is computed here, by the numbers that sessions have in the ring. */
  List<Batch.Slice> named() {
    return named;
  }

  /** What is computed here, by the numbers that sessions have on the stage. */
  List<Batch.Slice> own() {
    return own;
  }

  /** The tokens of the rows that are computed here, out of those of the whole batch. */
  int[] own(int[] tokens) {
    if (all) {
      return tokens;
    }
    int[] kept = new int[computed()];
    int row = 0;
    int at = 0;
    for (int i = 0; i < slices.size(); i++) {
      row += slices.get(i).length();
      System.arraycopy(tokens, row - computed[i], kept, at, computed[i]);
      at += computed[i];
    }
    return kept;
  }

  /** An output for every slice of the batch: those that nothing was computed of gave nothing. */
  List<SliceOutput> whole(List<SliceOutput> outputs) {
    if (all) {
      return outputs;
    }
    List<SliceOutput> whole = new ArrayList<>(slices.size());
    int next = 0;
    for (int i = 0; i < slices.size(); i++) {
      whole.add(
          computed[i] > 0 ? outputs.get(next++) : new SliceOutput(slices.get(i), null, null, null));
    }
    return whole;
  }
}

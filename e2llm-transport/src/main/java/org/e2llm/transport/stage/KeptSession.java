package org.e2llm.transport.stage;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.StageSession;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * What a stage of a ring that is over has of a session that may go on in the next one.
 *
 * @param kv null if only the journal can be of use
 * @param capacity of the KV cache
 * @param journal null at a ring's first stage, whose input is tokens
 * @param until when it is freed, by the clock of {@link KeptStages}
 */
record KeptSession(@Nullable StageSession kv, int capacity, @Nullable Journal journal, long until) {
  /** Whose session it is: its caller's device and number of it, in whatever epoch. */
  record Whose(String peer, long session) {
    static Whose of(Caller caller) {
      return new Whose(caller.peer(), caller.session());
    }
  }

  /**
   * What the host of the next ring is told of one.
   *
   * @param kv positions that the KV cache holds
   * @param journal positions whose input is there
   * @param millis until it is freed
   */
  record Report(Whose whose, int kv, int journal, int capacity, int millis) {
    private static final int LEAST_BYTES = 26;

    /** More sessions than this are not worth a longer frame: they are computed from the tokens. */
    private static final int MOST = 1024;

    static void write(FieldWriter out, List<Report> reports) {
      int count = Math.min(MOST, reports.size());
      out.count(count);
      for (Report report : reports.subList(0, count)) {
        out.string(report.whose().peer()).i64(report.whose().session());
        out.i32(report.kv()).i32(report.journal()).i32(report.capacity()).i32(report.millis());
      }
    }

    static List<Report> read(FieldReader in) {
      int count = in.count("kept", LEAST_BYTES, MOST);
      List<Report> reports = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        Whose whose = new Whose(in.string("kept.peer"), in.i64("kept.session"));
        reports.add(
            new Report(
                whose,
                in.i32("kept.kv", 0, Integer.MAX_VALUE),
                in.i32("kept.journal", 0, Integer.MAX_VALUE),
                in.i32("kept.capacity", 0, Integer.MAX_VALUE),
                in.i32("kept.millis", 0, Integer.MAX_VALUE)));
      }
      return reports;
    }
  }

  Report report(Whose whose, long now) {
    long millis = Math.max(0, (until - now) / 1_000_000);
    return new Report(
        whose,
        kv == null ? 0 : kv.length(),
        journal == null ? 0 : journal.length(),
        capacity,
        (int) Math.min(Integer.MAX_VALUE, millis));
  }

  /** The same for so much longer. */
  KeptSession later(long nanos) {
    return new KeptSession(kv, capacity, journal, until + nanos);
  }

  /** Without its KV cache, which is freed. */
  KeptSession journalOnly() {
    if (kv != null) {
      kv.close();
    }
    return new KeptSession(null, 0, journal, until);
  }

  void close() {
    if (kv != null) {
      kv.close();
    }
    if (journal != null) {
      journal.close();
    }
  }
}

package org.e2llm.transport.stage;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.e2llm.pipeline.Caller;

/**
 * What the stages of a new ring have kept of sessions, as they said when they were set up. Belongs
 * to the ring's host, which says for each session that goes on who computes what again.
 *
 * <p>Pure: times are nanoseconds since any fixed moment. Thread-safe.
 */
final class KeptSurvey {
  /** Before a stage frees what it has kept: longer than frames are under way. */
  static final long MARGIN = TimeUnit.SECONDS.toNanos(2);

  private record Known(KeptSession.Report report, long told) {}

  private final int[] layers;
  private final boolean[] told;
  private final Map<KeptSession.Whose, Known[]> sessions = new HashMap<>();
  private boolean whole;
  private long wholeSince;

  /**
   * Nothing is known.
   *
   * @param layers of each stage, how many
   */
  KeptSurvey(int[] layers) {
    this.layers = layers;
    this.told = new boolean[layers.length];
  }

  /** What a stage has; what it says first counts. */
  synchronized void add(int place, List<KeptSession.Report> reports, long now) {
    if (told[place]) {
      return;
    }
    told[place] = true;
    for (KeptSession.Report report : reports) {
      Known[] known = sessions.computeIfAbsent(report.whose(), whose -> new Known[layers.length]);
      known[place] = new Known(report, now);
    }
  }

  /** All stages are there: from now on what they have kept grows older. */
  synchronized void whole(long now) {
    whole = true;
    wholeSince = now;
  }

  /** Nanoseconds that a stage still keeps it, less {@link #MARGIN}. */
  private long left(Known known, long now) {
    long from = whole ? wholeSince : now;
    long stood = Math.min(from - known.told(), KeptStages.LONGEST_SET_UP);
    long millis = known.report().millis();
    return known.told() + stood + TimeUnit.MILLISECONDS.toNanos(millis) - MARGIN - now;
  }

  /**
   * What a session goes on with; it is not asked for again.
   *
   * @param capacity that it needs
   * @param known its tokens
   */
  synchronized Replay take(Caller caller, int capacity, int known, long now) {
    Known[] kept = sessions.remove(KeptSession.Whose.of(caller));
    if (kept == null) {
      return Replay.NONE;
    }
    List<Replay.Held> held = new ArrayList<>();
    for (Known each : kept) {
      if (each == null || left(each, now) <= 0) {
        held.add(Replay.Held.NOTHING);
      } else {
        KeptSession.Report report = each.report();
        int kv = report.capacity() < capacity ? 0 : report.kv();
        held.add(new Replay.Held(kv, report.journal()));
      }
    }
    return Replay.plan(held, layers, known);
  }

  /** Positions that the stage with the most still has for sessions that have not gone on. */
  synchronized long positions(long now) {
    sessions.values().removeIf(kept -> isOver(kept, now));
    long most = 0;
    for (int place = 0; place < layers.length; place++) {
      long sum = 0;
      for (Known[] kept : sessions.values()) {
        sum += kept[place] == null ? 0 : kept[place].report().kv();
      }
      most = Math.max(most, sum);
    }
    return most;
  }

  private boolean isOver(Known[] kept, long now) {
    for (Known each : kept) {
      if (each != null && left(each, now) > -MARGIN) {
        return false;
      }
    }
    return true;
  }

  synchronized boolean isEmpty() {
    return sessions.isEmpty();
  }

  /** All of it is over. */
  synchronized void clear() {
    sessions.clear();
  }
}

package org.e2llm.serving;

import java.util.Comparator;
import java.util.PriorityQueue;
import org.e2llm.plan.Slo;
import org.jspecify.annotations.Nullable;

/**
 * Those that wait at a replica, in the order in which they begin: first come, first served, with
 * ageing, and those that can be in time for the SLO's TTFT before those that no longer can.
 *
 * <p>A prompt counts as come {@link #OVERTAKING} times its length later than it did, measured in
 * tokens that came to that replica. So a short one may overtake a long one that has just come, and
 * no long one waits for more than a few times its own work.
 *
 * <p>Who is late already gains nothing from being served next, and whoever waits behind it would be
 * late too: where more comes than the replica can do, all would be. The late ones therefore wait
 * until nobody else does; but every {@link #LATE_TURN}-th place is theirs, so that none waits for
 * ever. The work is the same, and done in the same time; only who waits for whom changes.
 */
final class WaitingLine {
  /** How far a prompt is moved back for its length. */
  private static final int OVERTAKING = 4;

  /** An eighth of the places goes to those that are late. */
  private static final int LATE_TURN = 8;

  private static final Comparator<DispatchedSession> ORDER =
      Comparator.<DispatchedSession>comparingLong(session -> session.key)
          .thenComparingLong(session -> session.age);

  private final int replica;
  private final double limit;
  private final ReplicaEstimates estimates;
  private final PriorityQueue<DispatchedSession> inTime = new PriorityQueue<>(ORDER);
  private final PriorityQueue<DispatchedSession> late = new PriorityQueue<>(ORDER);
  private long tokensCome;

  /** Places given to those in time since a late one had one. */
  private int passed;

  WaitingLine(int replica, Slo slo, ReplicaEstimates estimates) {
    this.replica = replica;
    this.limit = slo.ttftSeconds();
    this.estimates = estimates;
  }

  int size() {
    return inTime.size() + late.size();
  }

  void add(DispatchedSession session) {
    tokensCome += session.prompt;
    session.key =
        session.hadBegun ? Long.MIN_VALUE : tokensCome + (long) OVERTAKING * session.prompt;
    session.late = false;
    inTime.add(session);
  }

  /** Who begins next. */
  @Nullable DispatchedSession head() {
    boolean lateTurn = inTime.isEmpty() || (passed >= LATE_TURN - 1 && !late.isEmpty());
    return lateTurn ? late.peek() : inTime.peek();
  }

  /** Moves those to the late ones whose turn would come and who cannot be in time any more. */
  void expire(double now, int decoding) {
    for (DispatchedSession first = inTime.peek();
        first != null && isLate(first, now, decoding);
        first = inTime.peek()) {
      inTime.remove();
      first.late = true;
      late.add(first);
    }
    DispatchedSession next = head();
    if (next != null && next.late && !inTime.isEmpty()) {
      // It has its turn as if it were in time: nobody younger takes the memory it waits for.
      next.late = false;
    }
  }

  private boolean isLate(DispatchedSession session, double now, int decoding) {
    if (limit == Double.POSITIVE_INFINITY || session.hadBegun) {
      return false;
    }
    double own =
        estimates.prefillSeconds(replica, session.prompt, decoding)
            + estimates.fillSeconds(replica, session.prompt);
    return now + own > session.arrival + limit;
  }

  /** Takes out who begins now. */
  void begin(DispatchedSession session) {
    passed = late.remove(session) ? 0 : passed + 1;
    inTime.remove(session);
  }

  /** Takes out who goes elsewhere. */
  void remove(DispatchedSession session) {
    if (!late.remove(session)) {
      inTime.remove(session);
    }
  }
}

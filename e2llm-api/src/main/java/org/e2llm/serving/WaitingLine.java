package org.e2llm.serving;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Consumer;
import org.e2llm.plan.Slo;
import org.jspecify.annotations.Nullable;

/**
 * Those that wait at a replica, in the order in which they begin: first come, first served, with
 * ageing, and those that can be in time for the SLO's TTFT before those that cannot.
 *
 * <p>A prompt counts as come {@link #OVERTAKING} times its length later than it did, measured in
 * tokens that came to that replica. So a short one may overtake a long one that has just come, and
 * no long one waits for more than a few times its own work.
 *
 * <p>With a TTFT in view, {@link InTime} says who can be in time. The others gain nothing from
 * being served next, and whoever waits behind them would be late too: where more comes than the
 * replica can do, all would be. They therefore wait until nobody else does, and leave a place free
 * for who comes next as long as somebody {@link #isExpecting is to be expected}; but a {@link
 * #LATE_SHARE}th of the time is theirs, so that none waits for ever. The work is the same, and done
 * in the same time; only who waits for whom changes.
 */
final class WaitingLine {
  /** How far a prompt is moved back for its length. */
  private static final int OVERTAKING = 4;

  /** A part of the time of prompts goes to those that are late. */
  static final int LATE_SHARE = 128;

  /** So many times the usual gap after the last one came, the next is not waited for. */
  private static final int PATIENCE = 8;

  /** What a gap counts in the usual one. */
  private static final double NEWEST = 0.1;

  private final @Nullable InTime inTime;

  /** Those that cannot be in time any more; without a TTFT in view, all. */
  private final PriorityQueue<DispatchedSession> queue = new PriorityQueue<>(WaitingLine::order);

  /** Those that might be in time if they were next, in the order in which they are due. */
  private final List<DispatchedSession> hopeful = new ArrayList<>();

  private long tokensCome;

  /** When the last one came; NaN before the first. */
  private double lastCame = Double.NaN;

  /** Seconds from one to the next; NaN before the second. */
  private double usualGap = Double.NaN;

  /** Of the prompts that wait, those that are late too. */
  private double seconds;

  // With a TTFT in view: what was seen when last looked.

  private @Nullable DispatchedSession next;
  private boolean nextInTime;

  /** Whether the next one is late, and others that are not wait for it. */
  private boolean lateTurn;

  /** Of prompts that went before since a late one had its turn. */
  private double secondsBefore;

  WaitingLine(int replica, Slo slo, ReplicaEstimates estimates) {
    double limit = slo.ttftSeconds();
    inTime = limit < Double.POSITIVE_INFINITY ? new InTime(replica, limit, estimates) : null;
  }

  private static int order(DispatchedSession a, DispatchedSession b) {
    return a.key == b.key ? Long.compare(a.age, b.age) : Long.compare(a.key, b.key);
  }

  int size() {
    return queue.size() + hopeful.size();
  }

  /** Takes one in; {@code promptSeconds} of it are those of this replica. */
  void add(DispatchedSession session) {
    moveBack(session);
    session.key = session.hadBegun ? Long.MIN_VALUE : session.key;
    session.late = false;
    seconds += session.promptSeconds;
    if (!session.hadBegun && !session.moved && !(session.arrival < lastCame)) {
      double gap = session.arrival - lastCame;
      usualGap = Double.isNaN(usualGap) ? gap : usualGap + NEWEST * (gap - usualGap);
      lastCame = session.arrival;
    }
    if (inTime == null) {
      queue.add(session);
      return;
    }
    int at = hopeful.size(); // mostly there: it came last
    while (at > 0 && InTime.byDue(hopeful.get(at - 1), session) > 0) {
      at--;
    }
    hopeful.add(at, session);
  }

  /** A session here takes so much longer than it was reckoned to. */
  void reckoned(double more) {
    seconds = Math.max(0, seconds + more);
  }

  /**
   * Sees who can be in time now.
   *
   * @param owed seconds of all prompts here that are not done, waiting or running
   * @param decoding sessions that decode here
   */
  void look(double now, double owed, int decoding) {
    if (inTime == null) {
      return;
    }
    DispatchedSession first = inTime.choose(hopeful, now, running(owed), decoding);
    hopeful.removeIf(session -> session.hopeless && queue.add(session));
    DispatchedSession late = firstLate();
    lateTurn = false;
    if (first != null && late != null && secondsBefore >= (LATE_SHARE - 1) * late.promptSeconds) {
      lateTurn = true;
      late.late = false; // nobody younger takes the memory that it waits for
    }
    nextInTime = first != null && !lateTurn;
    next = nextInTime ? first : late;
  }

  private double running(double owed) {
    return Math.max(0, owed - seconds);
  }

  private @Nullable DispatchedSession firstLate() {
    DispatchedSession first = queue.peek();
    for (DispatchedSession session : hopeful) {
      if (session.late && (first == null || order(session, first) < 0)) {
        first = session;
      }
    }
    return first;
  }

  /** Who begins next, as last {@link #look looked}. */
  @Nullable DispatchedSession head() {
    return inTime == null ? queue.peek() : next;
  }

  /** Whether somebody is likely to come soon. */
  boolean isExpecting(double now) {
    return now - lastCame <= PATIENCE * usualGap;
  }

  /** Until when; NaN if nobody is expected, or nobody would leave a place free. */
  double patienceEnds() {
    return inTime == null ? Double.NaN : lastCame + PATIENCE * usualGap;
  }

  /** Whether one that is late elsewhere could go next without taking anybody's place. */
  boolean hasTime() {
    return inTime != null && !nextInTime && !lateTurn;
  }

  /** Whether one that waits elsewhere would be in time here; as {@link #look}. */
  boolean wouldBeInTime(DispatchedSession session, double now, double owed, int decoding) {
    return inTime != null && inTime.wouldBe(session, now, running(owed), decoding);
  }

  /** Those that might be in time if they were next, here or elsewhere. */
  List<DispatchedSession> hopeful() {
    return hopeful;
  }

  /**
   * Seconds of the prompts that wait and would not keep one of so many tokens from being in time:
   * those that are late, and those that are longer, which are left out before it is.
   */
  double secondsGivingWay(int prompt) {
    if (inTime == null) {
      return 0;
    }
    double giving = seconds;
    for (DispatchedSession session : hopeful) {
      giving -= givesWay(session, prompt) ? 0 : session.promptSeconds;
    }
    return Math.max(0, giving);
  }

  /** Those that wait, can be in time and do not give way to a prompt of so many tokens. */
  void goingBefore(int prompt, Consumer<DispatchedSession> each) {
    for (DispatchedSession session : hopeful) {
      if (!givesWay(session, prompt)) {
        each.accept(session);
      }
    }
  }

  private static boolean givesWay(DispatchedSession session, int prompt) {
    return session.late || session.prompt > prompt;
  }

  /** The first of those that cannot be in time any more, or null. */
  @Nullable DispatchedSession firstHopeless() {
    return inTime == null ? null : queue.peek();
  }

  /** One that was the first hopeless one is here again, behind the others: their turn comes. */
  void takeBack(DispatchedSession hopeless) {
    moveBack(hopeless);
    seconds += hopeless.promptSeconds;
    queue.add(hopeless);
  }

  private void moveBack(DispatchedSession session) {
    tokensCome += session.prompt;
    session.key = tokensCome + (long) OVERTAKING * session.prompt;
  }

  /** Takes out the head, which begins. */
  void begin(DispatchedSession session, double now) {
    secondsBefore = nextInTime ? secondsBefore + session.promptSeconds : 0;
    remove(session);
    if (inTime == null) {
      return;
    }
    if (session.yields) {
      inTime.idle();
    } else {
      inTime.begun(session, now, hopeful.stream().anyMatch(other -> !other.late));
    }
  }

  /** Takes out who goes elsewhere. */
  void remove(DispatchedSession session) {
    if (!hopeful.remove(session)) {
      queue.remove(session);
    }
    // Adding and taking away leaves rounding behind.
    seconds = size() == 0 ? 0 : seconds - session.promptSeconds;
    if (next == session) {
      next = null;
    }
  }
}

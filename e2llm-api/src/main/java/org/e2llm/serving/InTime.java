package org.e2llm.serving;

import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Which of the prompts that wait at a replica can have their first token within the SLO's TTFT.
 *
 * <p>As many as possible, by the rule of Moore and Hodgson (Management Science 15, 1968): prompts
 * are taken in the order in which they are due; whenever one would be late, the longest of those
 * taken so far is left out. It is asked anew whenever a prompt begins, so whoever was left out is
 * in again when there is time.
 *
 * <p>How soon one prompt follows another is learned: where somebody always waited, how many times
 * the estimate lay between two beginnings. So it holds also where memory or decoding sessions
 * decide when the next one begins.
 */
final class InTime {
  /** What was seen counts so much less with every beginning: some thirty of them count. */
  private static final double KEPT = 0.97;

  /** For how many prompts the estimate counts against what was seen. */
  private static final double PRIOR_PROMPTS = 4;

  private final int replica;
  private final double limit;
  private final ReplicaEstimates estimates;
  private final PriorityQueue<DispatchedSession> taken = new PriorityQueue<>(InTime::longestFirst);

  /** NaN if nobody waited then. */
  private double lastBegan = Double.NaN;

  private double lastSeconds;
  private double secondsSeen;
  private double secondsReckoned;

  /**
   * Nothing seen yet.
   *
   * @param limit seconds from arrival to first token
   */
  InTime(int replica, double limit, ReplicaEstimates estimates) {
    this.replica = replica;
    this.limit = limit;
    this.estimates = estimates;
  }

  /** By arrival, and so by when they are due; whoever had begun comes before all others. */
  static int byDue(DispatchedSession a, DispatchedSession b) {
    return a.hadBegun == b.hadBegun ? Long.compare(a.age, b.age) : a.hadBegun ? -1 : 1;
  }

  /** The youngest of those that are equally long. */
  private static int longestFirst(DispatchedSession a, DispatchedSession b) {
    int order = Double.compare(-a.promptSeconds, -b.promptSeconds);
    return order == 0 ? Long.compare(b.age, a.age) : order;
  }

  /**
   * Marks who is late, and for whom there is no hope: who would be late as the very next. O(n log
   * n).
   *
   * @param waiting in the order {@link #byDue}
   * @param running seconds of prompts that have begun and are not done
   * @param decoding sessions that decode here
   * @return who of those in time is due first, or null if none is
   */
  @Nullable DispatchedSession choose(
      List<DispatchedSession> waiting, double now, double running, int decoding) {
    if (waiting.isEmpty()) {
      return null;
    }
    double slower = slower(waiting.get(0), decoding);
    double apart = apart(slower);
    taken.clear();
    double begins = now + slower * running;
    for (DispatchedSession session : waiting) {
      double own = slower * session.promptSeconds;
      double due = due(session);
      session.hopeless = now + own > due;
      session.late = session.hopeless;
      if (session.hopeless) {
        continue;
      }
      taken.add(session);
      boolean tooLate = begins + own > due;
      begins += apart * session.promptSeconds;
      if (tooLate) {
        DispatchedSession longest = taken.remove();
        longest.late = true;
        begins -= apart * longest.promptSeconds;
      }
    }
    for (DispatchedSession session : waiting) {
      if (!session.late) {
        return session;
      }
    }
    return null;
  }

  /** Whether a prompt from elsewhere would be in time here as the very next. */
  boolean wouldBe(DispatchedSession session, double now, double running, int decoding) {
    double own = estimates.prefillSeconds(replica, session.prompt, decoding);
    return now + running + own <= due(session);
  }

  /** When the slowest stage must be done with a prompt; ever for whoever had begun. */
  private double due(DispatchedSession session) {
    double rest = estimates.fillSeconds(replica, session.prompt) + session.handoffSeconds;
    return session.hadBegun ? Double.POSITIVE_INFINITY : session.arrival + limit - rest;
  }

  /** How many times longer a prompt takes beside those that decode. */
  private double slower(DispatchedSession session, int decoding) {
    double alone = session.promptSeconds;
    return decoding == 0 || !(alone > 0)
        ? 1
        : estimates.prefillSeconds(replica, session.prompt, decoding) / alone;
  }

  /** How many times what a prompt takes alone the next one begins after it. */
  private double apart(double slower) {
    double prior = PRIOR_PROMPTS * lastSeconds;
    double reckoned = secondsReckoned + prior;
    return reckoned > 0 ? Math.max(1, (secondsSeen + prior * slower) / reckoned) : slower;
  }

  /**
   * Learns.
   *
   * @param othersWait whether somebody waits who could begin next and be in time
   */
  void begun(DispatchedSession session, double now, boolean othersWait) {
    if (!Double.isNaN(lastBegan)) {
      secondsSeen = KEPT * secondsSeen + now - lastBegan;
      secondsReckoned = KEPT * secondsReckoned + lastSeconds;
    }
    lastBegan = othersWait ? now : Double.NaN;
    lastSeconds = session.promptSeconds;
  }

  /** One began that lets all others go first: nobody in time waited then. */
  void idle() {
    lastBegan = Double.NaN;
  }
}

package org.e2llm.serving;

import org.e2llm.plan.Slo;

/**
 * Those that have their place on a replica for their answers, and whether one more may join: not if
 * that made every token take longer than the SLO's TPOT allows. Where one alone takes longer, there
 * is nothing to keep, and everybody may.
 */
final class Together {
  private final int replica;
  private final double limit;
  private final ReplicaEstimates estimates;
  private int sessions;
  private long promptTokens;

  Together(int replica, Slo slo, ReplicaEstimates estimates) {
    this.replica = replica;
    this.limit = slo.tpotSeconds();
    this.estimates = estimates;
  }

  /**
   * Whether a session may join.
   *
   * @param output mean tokens of an answer; half of them are there on the average
   */
  boolean hasPlace(DispatchedSession session, double output) {
    if (sessions == 0 || limit == Double.POSITIVE_INFINITY) {
      return true;
    }
    int with = sessions + 1;
    double cached = promptTokens + session.prompt + with * output / 2;
    return estimates.stepSeconds(replica, with, cached) <= limit
        || estimates.stepSeconds(replica, 1, session.prompt + output / 2) > limit;
  }

  void add(DispatchedSession session) {
    sessions++;
    promptTokens += session.prompt;
  }

  void remove(DispatchedSession session) {
    sessions--;
    promptTokens -= session.prompt;
  }
}

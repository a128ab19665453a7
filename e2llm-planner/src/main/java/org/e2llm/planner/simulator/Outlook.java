package org.e2llm.planner.simulator;

import org.e2llm.plan.Slo;
import org.e2llm.planner.cost.StageCost;
import org.e2llm.planner.workload.Requests;

/**
 * What a simulation is sure to come to at least, seen before its end, so that one that cannot be
 * good enough any more is given up.
 *
 * <p>What a request has taken so far is never given back, and each token that it lacks takes a step
 * of its own, which is no shorter than one with nothing else in it on the fastest replica. Only
 * without faults: nobody begins again.
 */
final class Outlook {
  /** Looks per simulation, more or less. */
  private static final int LOOKS = 64;

  /** Sums in another order differ in their last digits. */
  private static final double ROUNDING = 1e-9;

  private final RequestLog log;
  private final Requests requests;
  private final Slo slo;
  private final int first;
  private final Simulator.Hope hope;
  private final double step;

  /** Tokens that a batch under way may bring a request. */
  private final int underWay;

  private final int apart;
  private int nextLook;

  /**
   * Of a run that has not begun.
   *
   * @param first the first request that counts
   */
  Outlook(Deployment deployment, RequestLog log, int first, Slo slo, Simulator.Hope hope) {
    this.log = log;
    this.requests = log.requests;
    this.slo = slo;
    this.first = first;
    this.hope = hope;
    double least = Double.POSITIVE_INFINITY;
    int most = 1;
    for (int r = 0; r < deployment.replicas(); r++) {
      double seconds = 0;
      for (int s = 0; s < deployment.stages(r); s++) {
        StageCost stage = deployment.stage(r, s);
        seconds += Math.min(stage.prefillSeconds(1, 0, 1), stage.decodeSeconds(1, 0));
      }
      least = Math.min(least, seconds);
      most = deployment.stages(r) == 1 ? ReplicaRun.MOST_STEPS : most;
    }
    step = least;
    underWay = most;
    apart = Math.max(1, 2 * requests.size() / LOOKS);
  }

  /** Whether it is seen that there is no hope left. */
  boolean isHopeless(double now) {
    if (log.changes() < nextLook) {
      return false;
    }
    nextLook += apart;
    return !remains(now);
  }

  private boolean remains(double now) {
    double seconds = 0;
    int missed = 0;
    for (int i = first; i < requests.size(); i++) {
      int lacks = requests.output(i) - log.produced[i];
      switch (log.phases[i]) {
        case COMING -> seconds += lacks * step;
        case DONE -> {
          seconds += log.endToEnd(i);
          missed += slo.met(log.ttft(i), log.tpot(i), requests.output(i)) ? 0 : 1;
        }
        case REFUSED -> {}
        default -> {
          double waited = now - requests.arrival(i);
          double ttft = log.produced[i] == 0 ? waited : log.ttft(i);
          seconds += waited + Math.max(0, lacks - underWay) * step;
          missed += slo.met(ttft, 0, requests.output(i)) ? 0 : 1;
        }
      }
    }
    double count = requests.size() - first;
    return hope.remains((1 - ROUNDING) * seconds / count, (1 - ROUNDING) * missed / count);
  }
}

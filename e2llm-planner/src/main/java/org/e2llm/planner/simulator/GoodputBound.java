package org.e2llm.planner.simulator;

import java.util.List;
import org.e2llm.plan.Slo;
import org.e2llm.planner.cost.StageCost;
import org.e2llm.planner.workload.Requests;

/**
 * The goodput that no policy can exceed on given plans: of a request that has a plan's replicas for
 * itself, whether it could meet its SLO on one of them.
 *
 * <p>Optimistic on purpose, so that it is a bound: prompts go through in one go at the speed of the
 * slowest stage, or of all stages one after the other for their last token; links and hand-offs
 * cost nothing; and the answer may be computed on another replica than the prompt.
 */
public final class GoodputBound {
  private GoodputBound() {}

  /**
   * Share of the requests from {@code first} on that could meet the SLO.
   *
   * @param deployments the plans that are compared; the best one counts for each request
   * @param first requests before it are warm-up
   */
  public static double of(List<Deployment> deployments, Requests requests, int first, Slo slo) {
    int possible = 0;
    for (int i = first; i < requests.size(); i++) {
      for (Deployment deployment : deployments) {
        if (isPossible(deployment, requests, i, slo)) {
          possible++;
          break;
        }
      }
    }
    return (double) possible / (requests.size() - first);
  }

  private static boolean isPossible(
      Deployment deployment, Requests requests, int request, Slo slo) {
    int prompt = requests.prompt(request);
    int output = requests.output(request);
    double ttft = Double.POSITIVE_INFINITY;
    double tpot = Double.POSITIVE_INFINITY;
    for (int r = 0; r < deployment.replicas(); r++) {
      if (prompt <= deployment.kvTokens(r)) {
        ttft = Math.min(ttft, ttft(deployment, r, prompt));
      }
      if (prompt + output <= deployment.kvTokens(r)) {
        tpot = Math.min(tpot, tpot(deployment, r, prompt));
      }
    }
    return slo.met(ttft, tpot, output);
  }

  private static double ttft(Deployment deployment, int r, int prompt) {
    double slowest = 0;
    double oneToken = 0;
    for (int s = 0; s < deployment.stages(r); s++) {
      StageCost stage = deployment.stage(r, s);
      slowest = Math.max(slowest, stage.prefillSeconds(prompt, (prompt + 1) / 2.0, 0));
      oneToken += stage.prefillSeconds(1, prompt, 1);
    }
    return Math.max(slowest, oneToken);
  }

  /** A step with the shortest cache that the answer ever has. */
  private static double tpot(Deployment deployment, int r, int prompt) {
    double step = 0;
    for (int s = 0; s < deployment.stages(r); s++) {
      step += deployment.stage(r, s).decodeSeconds(1, prompt);
    }
    return step;
  }
}

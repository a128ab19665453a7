package org.e2llm.planner.strategy;

import java.util.Arrays;
import java.util.List;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.simulator.Metric;
import org.e2llm.planner.simulator.SimulationResult;
import org.e2llm.planner.simulator.Simulator;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;

/** What plans are compared by: with which requests, and what of the simulation counts. */
public final class PlanComparison {
  /** What it is worth to serve all requests inside the SLO rather than none. */
  private static final double GOODPUT_WEIGHT = 1;

  /** Where no rate is given, plans meet few requests, and many near saturation. */
  private static final double[] USUAL_LOADS = {0.3, 0.9};

  /** Requests that tell what a plan does at most. */
  private static final int AT_ONCE = 200;

  private static final int REQUESTS = 1000;

  private PlanComparison() {}

  /** Seconds that requests take, and what those count for that miss the SLO. */
  static double cost(double seconds, double goodput) {
    return seconds * (1 + GOODPUT_WEIGHT * (1 - goodput));
  }

  /** Requests per second that a plan does when it never lacks work. */
  static double mostThroughput(Deployment deployment, Workload workload) {
    Requests all = Requests.atOnce(Lengths.of(workload), AT_ONCE, 1);
    return Simulator.run(deployment, all).throughput();
  }

  /**
   * The rates at which requests come, one after the other.
   *
   * @param most that any plan does
   */
  static double[] rates(Workload workload, double most) {
    double asked = workload.requestsPerSecond();
    return asked > 0
        ? new double[] {asked}
        : Arrays.stream(USUAL_LOADS).map(load -> load * most).toArray();
  }

  /**
   * What the same requests come to on each; infinite where not all come to their end.
   *
   * @param seed of the requests
   */
  public static double[] costs(
      List<Deployment> deployments, Workload workload, Slo slo, long seed) {
    double most = 0;
    for (Deployment each : deployments) {
      most = Math.max(most, mostThroughput(each, workload));
    }
    Requests requests =
        Requests.poisson(Lengths.of(workload), REQUESTS, rates(workload, most), seed);
    double[] costs = new double[deployments.size()];
    for (int i = 0; i < costs.length; i++) {
      SimulationResult result = Simulator.run(deployments.get(i), requests);
      costs[i] =
          result.answered() < requests.size()
              ? Double.POSITIVE_INFINITY
              : cost(result.distribution(Metric.E2E).mean(), result.goodput(slo));
    }
    return costs;
  }
}

package org.e2llm.planner.simulator;

import org.e2llm.planner.workload.Requests;

/**
 * Runs requests through a plan, in virtual time, until all are answered: arrivals stop with the
 * last request, then the system drains.
 *
 * <pre>
 *   Deployment deployment = new Deployment(plan, new Network(fleet), cost);
 *   Requests requests = Requests.poisson(Lengths.LONG_IN, 2000, 0.4, seed);
 *   SimulationResult result = Simulator.run(deployment, requests);
 *   double wait = result.distribution(Metric.WAIT).mean();
 * </pre>
 *
 * Deterministic: the same input gives the same result. The policy is the plan's; to compare
 * policies, deploy {@code plan.withPolicy(…)}.
 */
public final class Simulator {
  private Simulator() {}

  /** Without faults. */
  public static SimulationResult run(Deployment deployment, Requests requests) {
    return run(deployment, requests, SimulationOptions.DEFAULT);
  }

  /**
   * With all options.
   *
   * @throws org.e2llm.InvalidRequestException if a fault names a device that is not in the fleet
   */
  public static SimulationResult run(
      Deployment deployment, Requests requests, SimulationOptions options) {
    return new Simulation(deployment, requests, options).run();
  }
}

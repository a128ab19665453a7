package org.e2llm.planner.simulator;

import org.e2llm.plan.Slo;
import org.e2llm.planner.workload.Requests;
import org.jspecify.annotations.Nullable;

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

  /** Whether a simulation may still come out well enough. */
  public interface Hope {
    /**
     * Asked now and then. If it does not remain, it does not for anything larger.
     *
     * @param seconds the mean end-to-end time will be no less
     * @param missed the share of requests outside the SLO will be no less
     */
    boolean remains(double seconds, double missed);
  }

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
    Simulation simulation = new Simulation(deployment, requests, options);
    boolean unused = simulation.run(null);
    return simulation.result();
  }

  /**
   * Without faults, and given up when there is no hope.
   *
   * @param slo that is told about
   * @return null if it was given up
   */
  public static @Nullable SimulationResult run(
      Deployment deployment, Requests requests, Slo slo, Hope hope) {
    SimulationOptions options = SimulationOptions.DEFAULT;
    Simulation simulation = new Simulation(deployment, requests, options);
    int first = (int) (options.warmUp() * requests.size());
    Outlook outlook = new Outlook(deployment, simulation.log, first, slo, hope);
    return simulation.run(outlook) ? simulation.result() : null;
  }
}

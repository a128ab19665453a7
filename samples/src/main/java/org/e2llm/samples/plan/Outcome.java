package org.e2llm.samples.plan;

import java.util.EnumMap;
import java.util.Map;
import org.e2llm.plan.Slo;
import org.e2llm.planner.simulator.Distribution;
import org.e2llm.planner.simulator.Metric;
import org.e2llm.planner.simulator.SimulationResult;

/**
 * How requests fared at one load.
 *
 * @param load arrivals per second over the reference rate
 * @param metrics in seconds, over the requests that were answered after the warm-up
 * @param goodput share of the requests after the warm-up that were inside the SLO
 * @param answered requests that got all their tokens
 */
record Outcome(double load, Map<Metric, Distribution> metrics, double goodput, int answered) {
  static Outcome of(double load, SimulationResult result, Slo slo) {
    Map<Metric, Distribution> metrics = new EnumMap<>(Metric.class);
    for (Metric metric : Metric.values()) {
      metrics.put(metric, result.distribution(metric));
    }
    return new Outcome(load, metrics, result.goodput(slo), result.answered());
  }

  Distribution of(Metric metric) {
    Distribution found = metrics.get(metric);
    if (found == null) {
      throw new IllegalStateException(metric + " was not measured");
    }
    return found;
  }
}

package org.e2llm.samples.plan;

import java.util.List;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.samples.study.Contender;
import org.e2llm.samples.study.Reference;
import org.e2llm.samples.study.ReferenceMeasurement;
import org.jspecify.annotations.Nullable;

/**
 * Measures the reference of any fleet, model and kind of requests as the study does for its own.
 */
record CellReference(Cell cell, Watch watch) implements ReferenceMeasurement.Ground {
  private static final int REQUESTS = 2000;
  private static final long PLAN_SEED = 1;

  /**
   * λ1 and the SLO of a cell.
   *
   * @param asked an SLO instead of the cell's own; λ1 stays the same
   */
  static Reference of(Cell cell, @Nullable Slo asked, Watch watch) {
    return ReferenceMeasurement.of(new CellReference(cell, watch), asked);
  }

  @Override
  public Workload sample() {
    return cell.sample();
  }

  @Override
  public List<Deployment> plans(List<Contender> contenders, double rate, Slo slo) {
    watch.part("reference plans", contenders.size());
    Cell.Conditions conditions = new Cell.Conditions(rate, slo, PLAN_SEED);
    return cell.plans(contenders, conditions, watch, (strategy, reason) -> {}).stream()
        .map(Candidate::deployment)
        .toList();
  }

  @Override
  public double mostThroughput(List<Deployment> plans) {
    watch.part("reference rate", plans.size());
    return plans.parallelStream()
        .mapToDouble(
            plan -> {
              watch.step();
              return saturated(cell, plan);
            })
        .max()
        .orElse(0);
  }

  /** Requests per second that a plan does while it never lacks work. */
  static double saturated(Cell cell, Deployment plan) {
    return ReferenceMeasurement.saturated(plan, cell.traffic().lengths(), REQUESTS);
  }
}

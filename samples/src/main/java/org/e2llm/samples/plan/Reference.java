package org.e2llm.samples.plan;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.planner.simulator.Metric;
import org.e2llm.planner.simulator.SimulationOptions;
import org.e2llm.planner.simulator.SimulationResult;
import org.e2llm.planner.simulator.Simulator;
import org.e2llm.planner.strategy.Strategies;
import org.e2llm.planner.strategy.Strategy;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.jspecify.annotations.Nullable;

/**
 * What a cell is measured against, the same for every strategy.
 *
 * @param rate λ1: the highest saturated throughput among all strategies, in requests per second;
 *     load x means arrivals at x·λ1
 * @param slo what counts as served well
 * @param sloGiven whether that was asked for; otherwise it is 4 times the TTFT and twice the TPOT
 *     that the best plan gives the mean request on the idle fleet
 * @param candidates the plans that this was found with
 */
record Reference(double rate, Slo slo, boolean sloGiven, List<Candidate> candidates) {
  private static final double TTFT_FACTOR = 4;
  private static final double TPOT_FACTOR = 2;

  /** So seldom that no two requests are there at the same time. */
  private static final double SELDOM = 1e-7;

  /** Measures a cell; takes a plan and a simulation for each strategy. */
  static Reference of(Cell cell, @Nullable Slo given, Watch watch) {
    // What judges by simulation wants to know the rate and the SLO, so it comes last.
    List<Strategy> searching = new ArrayList<>();
    List<Strategy> simulating = new ArrayList<>();
    for (Strategy strategy : Strategies.list()) {
      (strategy.name().startsWith("adaptive") ? simulating : searching).add(strategy);
    }
    watch.part("reference plans", Strategies.list().size());
    List<Candidate> candidates =
        new ArrayList<>(
            cell.plans(searching, 1, given == null ? Slo.NONE : given, watch, (s, reason) -> {}));
    Slo slo = given == null ? idleSlo(cell, candidates) : given;
    double rate = mostThroughput(cell, candidates, watch);
    if (!simulating.isEmpty()) {
      List<Candidate> others = cell.plans(simulating, rate, slo, watch, (s, reason) -> {});
      rate = Math.max(rate, mostThroughput(cell, others, watch));
      candidates.addAll(others);
    }
    return new Reference(rate, slo, given != null, List.copyOf(candidates));
  }

  private static double mostThroughput(Cell cell, List<Candidate> candidates, Watch watch) {
    return candidates.parallelStream()
        .mapToDouble(
            candidate -> {
              watch.step();
              return cell.saturated(candidate);
            })
        .max()
        .orElse(0);
  }

  private static Slo idleSlo(Cell cell, List<Candidate> candidates) {
    Workload workload = cell.requests(1).workload(cell.count(), 1);
    Lengths mean =
        Lengths.constant(
            (int) Math.round(workload.meanPrompt()), (int) Math.round(workload.meanOutput()));
    SimulationResult best = null;
    for (Candidate candidate : candidates) {
      SimulationResult next =
          Simulator.run(
              candidate.deployment(), Requests.atOnce(mean, 1, cell.seed()), everything());
      if (next.answered() == 1
          && (best == null || next.seconds(Metric.E2E, 0) < best.seconds(Metric.E2E, 0))) {
        best = next;
      }
    }
    if (best == null) {
      return Slo.NONE;
    }
    double tpot = best.seconds(Metric.TPOT, 0);
    return new Slo(
        TTFT_FACTOR * best.seconds(Metric.TTFT, 0),
        tpot > 0 ? TPOT_FACTOR * tpot : Double.POSITIVE_INFINITY);
  }

  private static SimulationOptions everything() {
    return new SimulationOptions(List.of(), SimulationOptions.DEFAULT.detectSeconds(), 0);
  }

  /**
   * Goodput cannot be higher: the share of requests that some plan serves inside the SLO when
   * nothing else runs. Over the requests that count in metrics.
   *
   * @param more plans besides those that this was found with
   */
  double goodputBound(Cell cell, List<Candidate> more) {
    List<Candidate> all = new ArrayList<>(candidates);
    all.addAll(more);
    List<SimulationResult> alone =
        all.parallelStream().map(candidate -> cell.simulated(candidate, SELDOM)).toList();
    int first = alone.get(0).firstCounted();
    int good = 0;
    for (int i = first; i < cell.count(); i++) {
      good += met(alone, i) ? 1 : 0;
    }
    return (double) good / (cell.count() - first);
  }

  private boolean met(List<SimulationResult> results, int request) {
    for (SimulationResult result : results) {
      if (result.answered(request)
          && slo.met(
              result.seconds(Metric.TTFT, request),
              result.seconds(Metric.TPOT, request),
              result.requests().output(request))) {
        return true;
      }
    }
    return false;
  }
}

package org.e2llm.samples.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.e2llm.plan.Slo;
import org.e2llm.planner.simulator.Metric;
import org.e2llm.planner.simulator.SimulationOptions;
import org.e2llm.planner.simulator.SimulationResult;
import org.e2llm.planner.simulator.Simulator;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.jspecify.annotations.Nullable;

/**
 * What a cell is measured against, the same for every strategy, number of requests and seed.
 *
 * @param rate λ1: the highest saturated throughput among all strategies, in requests per second;
 *     load x means arrivals at x·λ1
 * @param slo what counts as served well: if nothing else is asked for, 4 times the TTFT and twice
 *     the TPOT that the best plan gives the mean request on the idle fleet
 * @param idleShare of the requests that some plan serves inside the SLO when nothing else runs
 */
record Reference(double rate, Slo slo, double idleShare) {
  private static final int REQUESTS = 2000;

  /** Of the requests that λ1 and the idle share are taken from. */
  private static final long SEED = 1_000_002;

  private static final long PLAN_SEED = 1;
  private static final double TTFT_FACTOR = 4;
  private static final double TPOT_FACTOR = 2;

  /** So seldom that no two requests are there at the same time. */
  private static final double SELDOM = 1e-7;

  /**
   * Measures a cell; takes a plan and some simulations for each strategy.
   *
   * @param asked an SLO instead of the cell's own; λ1 stays the same
   */
  static Reference measured(Cell cell, @Nullable Slo asked, Watch watch) {
    List<Contender> searching = new ArrayList<>(Contender.all());
    searching.removeIf(Contender::isAdaptive);
    List<Contender> simulating = new ArrayList<>(Contender.all());
    simulating.removeAll(searching);
    Slo own = idleSlo(cell, searching, watch);
    // What judges by simulation wants to know the rate: it is asked to stand the others' most.
    List<Candidate> candidates = plans(cell, searching, 1, own, watch);
    double most = mostThroughput(cell, candidates, watch);
    if (!simulating.isEmpty()) {
      List<Candidate> others = plans(cell, simulating, most, own, watch);
      most = Math.max(most, mostThroughput(cell, others, watch));
      candidates.addAll(others);
    }
    Slo slo = asked == null ? own : asked;
    return new Reference(rounded(most), slo, rounded(idleShare(cell, candidates, slo)));
  }

  private static List<Candidate> plans(
      Cell cell, List<Contender> contenders, double rate, Slo slo, Watch watch) {
    watch.part("reference plans", contenders.size());
    return cell.plans(
        contenders, new Cell.Conditions(rate, slo, PLAN_SEED), watch, (strategy, reason) -> {});
  }

  /** Of the plan on which the mean request is done soonest. */
  private static Slo idleSlo(Cell cell, List<Contender> searching, Watch watch) {
    List<Contender> own = new ArrayList<>(searching);
    own.removeIf(contender -> contender.isDrawn() || contender.router() != null);
    Lengths mean =
        Lengths.constant(
            (int) Math.round(cell.sample().meanPrompt()),
            (int) Math.round(cell.sample().meanOutput()));
    SimulationOptions everything =
        new SimulationOptions(List.of(), SimulationOptions.DEFAULT.detectSeconds(), 0);
    double ttft = Double.POSITIVE_INFINITY;
    double tpot = Double.POSITIVE_INFINITY;
    double soonest = Double.POSITIVE_INFINITY;
    for (Candidate candidate : plans(cell, own, 1, Slo.NONE, watch)) {
      SimulationResult one =
          Simulator.run(candidate.deployment(), Requests.atOnce(mean, 1, 1), everything);
      if (one.answered() == 1 && one.seconds(Metric.E2E, 0) < soonest) {
        soonest = one.seconds(Metric.E2E, 0);
        ttft = one.seconds(Metric.TTFT, 0);
        tpot = one.requests().output(0) > 1 ? one.seconds(Metric.TPOT, 0) : tpot;
      }
    }
    return new Slo(rounded(TTFT_FACTOR * ttft), rounded(TPOT_FACTOR * tpot));
  }

  private static double mostThroughput(Cell cell, List<Candidate> candidates, Watch watch) {
    watch.part("reference rate", candidates.size());
    return candidates.parallelStream()
        .mapToDouble(
            candidate -> {
              watch.step();
              return saturated(cell, candidate);
            })
        .max()
        .orElse(0);
  }

  /** Requests per second that a plan does while it never lacks work: all are there at time 0. */
  static double saturated(Cell cell, Candidate candidate) {
    Requests all = Requests.atOnce(cell.traffic().lengths(), REQUESTS, SEED);
    return Simulator.run(candidate.deployment(), all).throughput();
  }

  private static double idleShare(Cell cell, List<Candidate> candidates, Slo slo) {
    Requests alone = Requests.poisson(cell.traffic().lengths(), REQUESTS, SELDOM, SEED);
    List<SimulationResult> results =
        candidates.parallelStream()
            .map(candidate -> Simulator.run(candidate.deployment(), alone))
            .toList();
    int good = 0;
    for (int i = 0; i < REQUESTS; i++) {
      good += met(results, i, slo) ? 1 : 0;
    }
    return (double) good / REQUESTS;
  }

  private static boolean met(List<SimulationResult> results, int request, Slo slo) {
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

  /** Six digits, as in the file that keeps references: measured or read, it is the same. */
  private static double rounded(double value) {
    return Double.isFinite(value)
        ? Double.parseDouble(String.format(Locale.ROOT, "%.6g", value))
        : value;
  }

  /**
   * No plan can have more goodput at a load: the idle share and, where more arrives than λ1, what
   * can be answered at λ1 until the last one's time is up.
   *
   * @param requests of a simulation
   * @param output mean tokens out
   */
  double goodputBound(double load, int requests, double output) {
    double seconds = requests / (load * rate) + slo.ttftSeconds() + output * slo.tpotSeconds();
    return Math.min(idleShare, rate * seconds / requests);
  }
}

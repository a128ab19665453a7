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
import org.e2llm.samples.study.Contender;
import org.e2llm.samples.study.Reference;
import org.e2llm.samples.study.SloCapacity;
import org.jspecify.annotations.Nullable;

/**
 * Measures what a cell is held against: λ1 and the SLO, the same for every strategy, number of
 * requests and seed. As the study does it, for any fleet, model and kind of requests.
 */
final class ReferenceMeasurement {
  private static final int REQUESTS = 2000;

  /** Of the requests that λ1 is taken from. */
  private static final long SEED = 1_000_002;

  private static final long PLAN_SEED = 1;
  private static final double TTFT_FACTOR = 4;
  private static final double TPOT_FACTOR = 2;

  private ReferenceMeasurement() {}

  /**
   * Measures a cell; takes a plan and some simulations for each strategy.
   *
   * @param asked an SLO instead of the cell's own; λ1 stays the same
   */
  static Reference of(Cell cell, @Nullable Slo asked, Watch watch) {
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
    }
    return reference(cell, most, asked == null ? own : asked);
  }

  /** The reference with this rate and SLO; how much the fleet can serve within it follows. */
  static Reference reference(Cell cell, double rate, Slo slo) {
    return new Reference(rounded(rate), slo, rounded(sloRate(cell, slo)));
  }

  private static double sloRate(Cell cell, Slo slo) {
    double limit = slo.tpotSeconds();
    if (Double.isInfinite(limit)) {
      return Double.POSITIVE_INFINITY;
    }
    double prompt = cell.sample().meanPrompt();
    double output = cell.sample().meanOutput();
    return new SloCapacity(cell.cost(), cell.fleet(), prompt, output, limit).bound();
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
    own.removeIf(contender -> contender.isDrawn() || contender.crossed() != null);
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

  /** Six digits, as in the file that keeps references: measured or read, it is the same. */
  private static double rounded(double value) {
    return Double.isFinite(value)
        ? Double.parseDouble(String.format(Locale.ROOT, "%.6g", value))
        : value;
  }
}

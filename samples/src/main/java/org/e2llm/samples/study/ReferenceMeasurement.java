package org.e2llm.samples.study;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.simulator.Metric;
import org.e2llm.planner.simulator.SimulationOptions;
import org.e2llm.planner.simulator.SimulationResult;
import org.e2llm.planner.simulator.Simulator;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.jspecify.annotations.Nullable;

/**
 * Measures what cells are held against: λ1 and the SLO, the same for every strategy, load and seed.
 * For the study and for a single comparison alike.
 */
public final class ReferenceMeasurement {
  /** Of the requests that λ1 is taken from. */
  private static final long SEED = 1_000_002;

  private static final double TTFT_FACTOR = 4;
  private static final double TPOT_FACTOR = 2;

  private ReferenceMeasurement() {}

  /** Where it is measured: makes plans and simulates them, as many at a time as it likes. */
  public interface Ground {
    /** What planners are told of the requests. */
    Workload sample();

    /** Plans for a rate, drawn with seed 1; strategies without a plan are left out. */
    List<Deployment> plans(List<Contender> contenders, double rate, Slo slo);

    /** The highest {@link ReferenceMeasurement#saturated} of plans; 0 for none. */
    double mostThroughput(List<Deployment> plans);
  }

  /**
   * Takes a plan and some simulations for each strategy.
   *
   * @param asked an SLO instead of the setting's own; λ1 stays the same
   */
  public static Reference of(Ground ground, @Nullable Slo asked) {
    List<Contender> searching = new ArrayList<>(Contender.all());
    searching.removeIf(Contender::isAdaptive);
    List<Contender> simulating = new ArrayList<>(Contender.all());
    simulating.removeAll(searching);
    Slo own = idleSlo(ground, searching);
    // What judges by simulation wants to know the rate: it is asked to stand the others' most.
    double most = ground.mostThroughput(ground.plans(searching, 1, own));
    most = Math.max(most, ground.mostThroughput(ground.plans(simulating, most, own)));
    return new Reference(rounded(most), asked == null ? own : asked);
  }

  /** Of the plan on which the mean request is done soonest. */
  private static Slo idleSlo(Ground ground, List<Contender> searching) {
    List<Contender> own = new ArrayList<>(searching);
    own.removeIf(contender -> contender.isDrawn() || contender.crossed() != null);
    Lengths mean =
        Lengths.constant(
            (int) Math.round(ground.sample().meanPrompt()),
            (int) Math.round(ground.sample().meanOutput()));
    SimulationOptions everything =
        new SimulationOptions(List.of(), SimulationOptions.DEFAULT.detectSeconds(), 0);
    SimulationResult best =
        ground.plans(own, 1, Slo.NONE).stream()
            .map(plan -> Simulator.run(plan, Requests.atOnce(mean, 1, 1), everything))
            .filter(result -> result.answered() == 1)
            .min(Comparator.comparingDouble(result -> result.seconds(Metric.E2E, 0)))
            .orElse(null);
    if (best == null) {
      return Slo.NONE;
    }
    double tpot =
        best.requests().output(0) > 1 ? best.seconds(Metric.TPOT, 0) : Double.POSITIVE_INFINITY;
    return new Slo(
        rounded(TTFT_FACTOR * best.seconds(Metric.TTFT, 0)), rounded(TPOT_FACTOR * tpot));
  }

  /** Requests per second that a plan does while it never lacks work: all are there at time 0. */
  public static double saturated(Deployment plan, Lengths lengths, int requests) {
    return Simulator.run(plan, Requests.atOnce(lengths, requests, SEED)).throughput();
  }

  /** Six digits, as in the file that keeps references: measured or read, it is the same. */
  private static double rounded(double value) {
    return Double.isFinite(value)
        ? Double.parseDouble(String.format(Locale.ROOT, "%.6g", value))
        : value;
  }
}

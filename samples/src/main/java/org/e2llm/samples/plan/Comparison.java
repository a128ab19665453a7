package org.e2llm.samples.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.e2llm.plan.Slo;
import org.e2llm.planner.strategy.Strategy;
import org.jspecify.annotations.Nullable;

/**
 * Strategies side by side in one cell, at one load and, for a report, at some others.
 *
 * @param load arrivals per second over λ1
 * @param goodputBound no plan can have more goodput
 * @param rows a strategy each, in the order in which they were asked for
 */
record Comparison(
    Cell cell, Reference reference, double load, double goodputBound, List<Row> rows) {
  /** Where a report looks, besides the load that was asked for. */
  static final List<Double> SWEEP = List.of(0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2);

  /**
   * What a strategy comes to.
   *
   * @param throughput saturated, in requests per second
   * @param sweep the same plan at all loads, the lowest first
   */
  record Row(Candidate candidate, Outcome outcome, double throughput, List<Outcome> sweep) {}

  /**
   * Plans and simulates.
   *
   * @param slo or null for the cell's own
   * @param sweep other loads; each plan stays as it was made for {@code load}
   */
  static Comparison of(
      Cell cell,
      List<Strategy> strategies,
      double load,
      @Nullable Slo slo,
      List<Double> sweep,
      Watch watch,
      Cell.Without without) {
    Reference reference = Reference.of(cell, slo, watch);
    double rate = load * reference.rate();
    watch.part("plans", strategies.size());
    List<Candidate> candidates =
        cell.plans(strategies, rate, reference.slo(), watch, without);
    List<Double> loads =
        Stream.concat(sweep.stream(), Stream.of(load)).distinct().sorted().toList();
    int n = loads.size();
    watch.part("simulations", candidates.size() * n);
    List<Outcome> outcomes =
        IntStream.range(0, candidates.size() * n)
            .parallel()
            .mapToObj(i -> outcome(cell, reference, candidates.get(i / n), loads.get(i % n), watch))
            .toList();
    List<Double> throughputs = candidates.parallelStream().map(cell::saturated).toList();
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < candidates.size(); i++) {
      List<Outcome> ofPlan = List.copyOf(outcomes.subList(i * n, i * n + n));
      Outcome asked = ofPlan.get(loads.indexOf(load));
      rows.add(new Row(candidates.get(i), asked, throughputs.get(i), ofPlan));
    }
    double bound = reference.goodputBound(cell, candidates);
    return new Comparison(cell, reference, load, bound, List.copyOf(rows));
  }

  private static Outcome outcome(
      Cell cell, Reference reference, Candidate candidate, double load, Watch watch) {
    watch.step();
    return Outcome.of(
        load, cell.simulated(candidate, load * reference.rate()), reference.slo());
  }

  /** Mean arrivals per second. */
  double rate() {
    return load * reference.rate();
  }
}

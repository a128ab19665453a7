package org.e2llm.samples.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.simulator.GoodputBound;
import org.e2llm.planner.simulator.SimulationOptions;
import org.e2llm.planner.workload.Requests;
import org.e2llm.samples.study.Contender;
import org.e2llm.samples.study.Reference;

/**
 * Strategies side by side in one cell, at one load and, for a report, at some others.
 *
 * @param load arrivals per second over λ1
 * @param seed of plans and requests
 * @param rows a strategy each, in the order in which they were asked for
 */
record Comparison(Cell cell, Reference reference, double load, long seed, List<Row> rows) {
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
   * @param sweep other loads; each plan stays as it was made for {@code load}
   */
  static Comparison of(
      Cell cell,
      Reference reference,
      List<Contender> contenders,
      double load,
      long seed,
      List<Double> sweep,
      Watch watch,
      Cell.Without without) {
    Cell.Conditions conditions =
        new Cell.Conditions(load * reference.rate(), reference.slo(), seed);
    watch.part("plans", contenders.size());
    List<Candidate> candidates = cell.plans(contenders, conditions, watch, without);
    List<Double> loads =
        Stream.concat(sweep.stream(), Stream.of(load)).distinct().sorted().toList();
    int n = loads.size();
    watch.part("simulations", candidates.size() * n);
    List<Outcome> outcomes =
        IntStream.range(0, candidates.size() * n)
            .parallel()
            .mapToObj(
                i -> {
                  watch.step();
                  double rate = loads.get(i % n) * reference.rate();
                  return Outcome.of(
                      loads.get(i % n),
                      cell.simulated(candidates.get(i / n), rate, seed),
                      reference.slo());
                })
            .toList();
    List<Double> throughputs =
        candidates.parallelStream()
            .map(each -> CellReference.saturated(cell, each.deployment()))
            .toList();
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < candidates.size(); i++) {
      List<Outcome> ofPlan = List.copyOf(outcomes.subList(i * n, i * n + n));
      Outcome asked = ofPlan.get(loads.indexOf(load));
      rows.add(new Row(candidates.get(i), asked, throughputs.get(i), ofPlan));
    }
    return new Comparison(cell, reference, load, seed, List.copyOf(rows));
  }

  /** Mean arrivals per second. */
  double rate() {
    return load * reference.rate();
  }

  /** None of the plans can have more goodput at a load, whatever its policy. */
  double goodputBound(double atLoad) {
    Requests requests = cell.traffic().requests(cell.count(), atLoad * reference.rate(), seed);
    List<Deployment> plans = rows.stream().map(row -> row.candidate().deployment()).toList();
    int first = (int) (SimulationOptions.DEFAULT.warmUp() * cell.count());
    return GoodputBound.of(plans, requests, first, reference.slo());
  }
}

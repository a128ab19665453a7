package org.e2llm.samples.study;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.e2llm.planner.simulator.Distribution;
import org.e2llm.planner.simulator.Metric;
import org.e2llm.planner.simulator.SimulationResult;

/**
 * One line of the results: a contender in a cell with one seed. Times in seconds.
 *
 * @param setting fleet, model and workload
 * @param load part of λ1
 * @param seed of the requests
 * @param contender as {@link Contender#name}
 * @param requests that arrived
 * @param means per metric
 * @param p90s per metric
 * @param goodput share of requests inside the SLO
 * @param bound that goodput cannot exceed
 * @param saturated requests per second of the plan when all are there at time 0
 */
record Result(
    Setting setting,
    double load,
    long seed,
    String contender,
    int requests,
    Map<Metric, Double> means,
    Map<Metric, Double> p90s,
    double goodput,
    double bound,
    double saturated) {
  private static final int TEXTS = 6;

  static Result of(
      Setting setting,
      double load,
      long seed,
      Contender contender,
      SimulationResult result,
      double goodput,
      double bound,
      double saturated) {
    Map<Metric, Double> means = new EnumMap<>(Metric.class);
    Map<Metric, Double> p90s = new EnumMap<>(Metric.class);
    for (Metric metric : Metric.values()) {
      Distribution distribution = result.distribution(metric);
      means.put(metric, distribution.mean());
      p90s.put(metric, distribution.p90());
    }
    return new Result(
        setting,
        load,
        seed,
        contender.name(),
        result.requests().size(),
        means,
        p90s,
        goodput,
        bound,
        saturated);
  }

  static String header() {
    List<String> fields =
        new ArrayList<>(List.of("fleet", "model", "workload", "load", "seed", "strategy"));
    fields.add("requests");
    for (Metric metric : Metric.values()) {
      String name = metric.name().toLowerCase(Locale.ROOT);
      fields.add(name + "_mean");
      fields.add(name + "_p90");
    }
    fields.addAll(List.of("goodput", "goodput_bound", "saturated"));
    return String.join(",", fields);
  }

  String line() {
    List<String> fields =
        new ArrayList<>(
            List.of(
                setting.fleet(),
                setting.model(),
                setting.workload(),
                String.valueOf(load),
                String.valueOf(seed),
                contender));
    fields.add(String.valueOf(requests));
    for (Metric metric : Metric.values()) {
      fields.add(number(means.getOrDefault(metric, Double.NaN)));
      fields.add(number(p90s.getOrDefault(metric, Double.NaN)));
    }
    fields.add(number(goodput));
    fields.add(number(bound));
    fields.add(number(saturated));
    return String.join(",", fields);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.5g", value);
  }

  static Result parse(List<String> fields) {
    Map<Metric, Double> means = new EnumMap<>(Metric.class);
    Map<Metric, Double> p90s = new EnumMap<>(Metric.class);
    int next = TEXTS + 1;
    for (Metric metric : Metric.values()) {
      means.put(metric, Double.valueOf(fields.get(next++)));
      p90s.put(metric, Double.valueOf(fields.get(next++)));
    }
    return new Result(
        new Setting(fields.get(0), fields.get(1), fields.get(2)),
        Double.parseDouble(fields.get(3)),
        Long.parseLong(fields.get(4)),
        fields.get(5),
        Integer.parseInt(fields.get(TEXTS)),
        means,
        p90s,
        Double.parseDouble(fields.get(next)),
        Double.parseDouble(fields.get(next + 1)),
        Double.parseDouble(fields.get(next + 2)));
  }

  /** Path of its cell. */
  String cell() {
    return setting.path() + "/" + load;
  }

  double mean(Metric metric) {
    return means.getOrDefault(metric, Double.NaN);
  }

  double p90(Metric metric) {
    return p90s.getOrDefault(metric, Double.NaN);
  }
}

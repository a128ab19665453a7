package org.e2llm.samples.study;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.planner.catalog.KnownFleets;
import org.e2llm.planner.catalog.KnownModels;

/**
 * A fleet, a model and a workload: what one reference rate λ1 holds for. With a load it is a cell.
 *
 * @param fleet name in {@link KnownFleets}
 * @param model name in {@link KnownModels}
 * @param workload {@code conv}, {@code code}, {@code long-in} or {@code long-out}
 */
public record Setting(String fleet, String model, String workload) {
  static final List<String> WORKLOADS = List.of("conv", "code", "long-in", "long-out");

  /** Arrivals per second as parts of λ1. */
  static final List<Double> LOADS = List.of(0.3, 0.6, 0.9, 1.2);

  /** All of the study, whole fleets after each other. */
  static List<Setting> all() {
    List<Setting> all = new ArrayList<>();
    for (String fleet : KnownFleets.names()) {
      for (String model : KnownModels.names()) {
        for (String workload : WORKLOADS) {
          all.add(new Setting(fleet, model, workload));
        }
      }
    }
    return all;
  }

  /** Such as {@code full12/llama3-8b-q4/conv}. */
  String path() {
    return fleet + "/" + model + "/" + workload;
  }

  /** The loads whose cells a filter lets through. */
  List<Double> loads(CellFilter filter) {
    List<Double> chosen = new ArrayList<>(LOADS);
    chosen.removeIf(load -> !filter.takes(path() + "/" + load));
    return chosen;
  }
}

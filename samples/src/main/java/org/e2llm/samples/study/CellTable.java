package org.e2llm.samples.study;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.e2llm.planner.simulator.Metric;

/** The results of one cell, by contender, with means over the seeds. */
final class CellTable {
  private final String cell;
  private final Map<String, List<Result>> byContender = new LinkedHashMap<>();

  private CellTable(String cell) {
    this.cell = cell;
  }

  /** Cells in the order of the study. */
  static List<CellTable> of(List<Result> results) {
    Map<String, CellTable> tables = new LinkedHashMap<>();
    for (Setting setting : Setting.all()) {
      for (double load : Setting.LOADS) {
        String cell = setting.path() + "/" + load;
        tables.put(cell, new CellTable(cell));
      }
    }
    for (Result result : results) {
      tables
          .computeIfAbsent(result.cell(), CellTable::new)
          .byContender
          .computeIfAbsent(result.contender(), name -> new ArrayList<>())
          .add(result);
    }
    List<CellTable> found = new ArrayList<>(tables.values());
    found.removeIf(table -> table.byContender.isEmpty());
    return found;
  }

  String cell() {
    return cell;
  }

  Setting setting() {
    return first().setting();
  }

  String model() {
    return setting().model();
  }

  double load() {
    return first().load();
  }

  private Result first() {
    return byContender.values().iterator().next().get(0);
  }

  /** Names of contenders, as they were measured. */
  List<String> contenders() {
    return List.copyOf(byContender.keySet());
  }

  /** Over the seeds. */
  double mean(String contender, ToDoubleFunction<Result> value) {
    return results(contender).stream().mapToDouble(value).average().orElse(Double.NaN);
  }

  double mean(String contender, Metric metric) {
    return mean(contender, result -> result.mean(metric));
  }

  double p90(String contender, Metric metric) {
    return mean(contender, result -> result.p90(metric));
  }

  /** Above goodput of every contender. */
  double bound() {
    return mean(contenders().get(0), Result::bound);
  }

  /** The contender that is not adaptive with the least end-to-end time. */
  String bestOther() {
    String best = "";
    for (String contender : contenders()) {
      if (!contender.startsWith("adaptive")
          && (best.isEmpty() || mean(contender, Metric.E2E) < mean(best, Metric.E2E))) {
        best = contender;
      }
    }
    return best;
  }

  /**
   * Half the width of the 95 % interval of a mean difference in end-to-end time, paired by seed
   * (Student's t); infinite for one seed.
   */
  double pairedHalfWidth(String a, String b) {
    List<Result> left = results(a);
    List<Result> right = results(b);
    int n = left.size();
    double mean = mean(a, Metric.E2E) - mean(b, Metric.E2E);
    double squares = 0;
    for (int i = 0; i < n; i++) {
      double difference = left.get(i).mean(Metric.E2E) - right.get(i).mean(Metric.E2E) - mean;
      squares += difference * difference;
    }
    return n < 2
        ? Double.POSITIVE_INFINITY
        : StudentT.quantile975(n - 1) * Math.sqrt(squares / (n - 1) / n);
  }

  private List<Result> results(String contender) {
    return byContender.getOrDefault(contender, List.of());
  }
}

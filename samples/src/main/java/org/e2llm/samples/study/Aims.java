package org.e2llm.samples.study;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.e2llm.planner.simulator.Metric;

/** What was aimed for, and what came of it, from the cells that are there. */
final class Aims {
  private static final double HIGH_LOAD = 0.9;

  /** A tenth worse in end-to-end time is as good; so are some milliseconds. */
  private static final double TOLERANCE = 1.1;

  private static final double FLOOR_SECONDS = 0.05;
  private static final double GOODPUT_SHARE = 0.85;

  /** A plan carries a load that is less than this part of its saturated throughput. */
  private static final double CARRIED = 0.95;

  private final List<CellTable> cells;
  private final ToDoubleFunction<Setting> lambda1;

  /**
   * Looks at cells.
   *
   * @param lambda1 the rate that is load 1 of a setting
   */
  Aims(List<CellTable> cells, ToDoubleFunction<Setting> lambda1) {
    this.cells = cells;
    this.lambda1 = lambda1;
  }

  String markdown() {
    StringBuilder text = new StringBuilder();
    text.append("| at load 0.9, medians over cells | aim | adaptive | adaptive+q8wire |\n");
    text.append("|---|---|---|---|\n");
    against(text, "llama3-8b-q4", Metric.WAIT, "-80 %");
    against(text, "llama3-8b-q4", Metric.E2E, "-30 %");
    against(text, "qwen25-32b-q4", Metric.WAIT, "-40 %");
    against(text, "qwen25-32b-q4", Metric.E2E, "no worse");
    text.append("\n| of all cells | aim | adaptive | adaptive+q8wire |\n|---|---|---|---|\n");
    row(text, "end-to-end at most 10 % above the best other, or not told apart", true);
    row(text, "goodput at least 85 % of the bound", false);
    text.append("\n| e2llm waits less than half as long as | where it carries the load |");
    text.append(" load 0.3 | 0.6 | 0.9 | 1.2 |\n|---|---|---|---|---|---|\n");
    for (String model : List.of("llama3-8b-q4", "qwen25-32b-q4")) {
      for (String baseline : baselines()) {
        claim(text, model, baseline);
      }
    }
    return text.toString();
  }

  private List<String> baselines() {
    List<String> names = new ArrayList<>(cells.isEmpty() ? List.of() : cells.get(0).contenders());
    names.removeIf(name -> !name.startsWith("splitwise"));
    return names;
  }

  private void against(StringBuilder text, String model, Metric metric, String aim) {
    text.append("| ").append(model).append(": ").append(name(metric)).append(" against e2llm | ");
    text.append(aim).append(" |");
    for (String ours : List.of("adaptive", "adaptive+q8wire")) {
      text.append(' ')
          .append(percent(medianChange(model, HIGH_LOAD, metric, ours, "e2llm")))
          .append(" |");
    }
    text.append('\n');
  }

  private static String name(Metric metric) {
    return metric == Metric.WAIT ? "mean wait" : "mean end-to-end time";
  }

  private void row(StringBuilder text, String what, boolean endToEnd) {
    text.append("| ").append(what).append(" | all |");
    for (String ours : List.of("adaptive", "adaptive+q8wire")) {
      long good =
          cells.stream()
              .filter(cell -> endToEnd ? isNotWorse(cell, ours) : keepsGoodput(cell, ours))
              .count();
      text.append(' ').append(good).append(" of ").append(cells.size()).append(" |");
    }
    text.append('\n');
  }

  /** Against the contender that is best in the cell by end-to-end time. */
  static boolean isNotWorse(CellTable cell, String ours) {
    String best = cell.bestOther();
    double mine = cell.mean(ours, Metric.E2E);
    double theirs = cell.mean(best, Metric.E2E);
    return mine <= Math.max(TOLERANCE * theirs, theirs + FLOOR_SECONDS)
        || mine - theirs <= cell.pairedHalfWidth(ours, best);
  }

  static boolean keepsGoodput(CellTable cell, String ours) {
    return cell.mean(ours, Result::goodput) >= GOODPUT_SHARE * cell.bound();
  }

  /** In how many cells the paper's claim holds against a baseline, and the median change. */
  private void claim(StringBuilder text, String model, String baseline) {
    text.append("| ").append(model).append(", ").append(baseline).append(" |");
    claim(text, baseline, cell -> cell.model().equals(model) && isCarried(cell));
    for (double load : Setting.LOADS) {
      claim(text, baseline, cell -> cell.model().equals(model) && cell.load() == load);
    }
    text.append('\n');
  }

  private void claim(StringBuilder text, String baseline, Predicate<CellTable> where) {
    List<Double> changes = changes(where, Metric.WAIT, "e2llm", baseline);
    long holds = changes.stream().filter(change -> change < -0.5).count();
    text.append(' ').append(holds).append(" of ").append(changes.size());
    text.append(" (median ").append(percent(median(changes))).append(") |");
  }

  private boolean isCarried(CellTable cell) {
    return cell.load() * lambda1.applyAsDouble(cell.setting())
        < CARRIED * cell.mean("e2llm", Result::saturated);
  }

  double medianChange(String model, double load, Metric metric, String ours, String theirs) {
    return median(
        changes(cell -> cell.model().equals(model) && cell.load() == load, metric, ours, theirs));
  }

  private List<Double> changes(
      Predicate<CellTable> where, Metric metric, String ours, String theirs) {
    List<Double> changes = new ArrayList<>();
    for (CellTable cell : cells) {
      if (where.test(cell)) {
        changes.add(cell.mean(ours, metric) / cell.mean(theirs, metric) - 1);
      }
    }
    return changes;
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(value -> value).sorted().toArray();
    int half = sorted.length / 2;
    return sorted.length == 0
        ? Double.NaN
        : sorted.length % 2 == 1
            ? sorted[half]
            : Arrays.stream(sorted, half - 1, half + 1).average().orElse(Double.NaN);
  }

  private static String percent(double change) {
    return Double.isNaN(change) ? "-" : String.format(Locale.ROOT, "%+.0f %%", 100 * change);
  }
}

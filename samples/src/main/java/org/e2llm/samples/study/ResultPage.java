package org.e2llm.samples.study;

import java.util.List;
import java.util.Locale;
import org.e2llm.planner.simulator.Metric;

/** All results as Markdown: the aims first, then a table per cell. */
final class ResultPage {
  private static final List<Metric> SHOWN =
      List.of(Metric.QUEUE, Metric.HANDOFF, Metric.ADMISSION, Metric.WAIT, Metric.TTFT, Metric.E2E);

  private final List<CellTable> cells;
  private final References references;

  ResultPage(List<Result> results, References references) {
    this.cells = CellTable.of(results);
    this.references = references;
  }

  String markdown() {
    StringBuilder text = new StringBuilder();
    text.append("# Results of the study\n\n");
    text.append(
        "Made by `samples/run study --table` from `results.csv`; [planner.md](../planner.md) ");
    text.append("says what was measured, and reads it.\n\n");
    int all = Setting.all().size() * Setting.LOADS.size();
    text.append(cells.size()).append(" of ").append(all).append(" cells are there.\n\n");
    text.append(new Aims(cells, this::lambda1).markdown());
    text.append("\nTimes in seconds, mean / p90, each the mean over seeds; goodput is a share of ");
    text.append("all requests; saturated throughput in requests per second.\n");
    cells.forEach(cell -> table(text, cell));
    return text.toString();
  }

  private double lambda1(Setting setting) {
    Reference reference = references.get(setting);
    return reference == null ? Double.NaN : reference.rate();
  }

  private static void table(StringBuilder text, CellTable cell) {
    text.append("\n## ").append(cell.cell()).append("\n\n");
    text.append(
        "| strategy | queue | handoff | admission | wait | TTFT | end-to-end | goodput (bound "
            + String.format(Locale.ROOT, "%.2f", cell.bound())
            + ") | saturated |\n");
    text.append("|---|---|---|---|---|---|---|---|---|\n");
    for (String contender : cell.contenders()) {
      text.append("| ").append(contender);
      for (Metric metric : SHOWN) {
        text.append(" | ").append(number(cell.mean(contender, metric)));
        text.append(" / ").append(number(cell.p90(contender, metric)));
      }
      text.append(
          String.format(
              Locale.ROOT,
              " | %.2f | %s |\n",
              cell.mean(contender, Result::goodput),
              number(cell.mean(contender, Result::saturated))));
    }
  }

  private static String number(double seconds) {
    return seconds >= 100
        ? String.format(Locale.ROOT, "%.0f", seconds)
        : seconds >= 10
            ? String.format(Locale.ROOT, "%.1f", seconds)
            : String.format(Locale.ROOT, "%.2f", seconds);
  }
}

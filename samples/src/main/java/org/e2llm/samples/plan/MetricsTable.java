package org.e2llm.samples.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.e2llm.planner.simulator.Distribution;
import org.e2llm.planner.simulator.Metric;

/** All metrics of all strategies as a Markdown table: four rows each, mean and percentiles. */
final class MetricsTable {
  /** What is told of a distribution, by name. */
  static final Map<String, ToDoubleFunction<Distribution>> STATISTICS = statistics();

  private final List<List<String>> lines = new ArrayList<>();

  private MetricsTable() {}

  private static Map<String, ToDoubleFunction<Distribution>> statistics() {
    Map<String, ToDoubleFunction<Distribution>> statistics = new LinkedHashMap<>();
    statistics.put("mean", Distribution::mean);
    statistics.put("p50", Distribution::p50);
    statistics.put("p90", Distribution::p90);
    statistics.put("p99", Distribution::p99);
    return statistics;
  }

  /** As a metric is called in results. */
  static String name(Metric metric) {
    return metric.name().toLowerCase(Locale.ROOT);
  }

  static String of(Comparison comparison) {
    MetricsTable table = new MetricsTable();
    List<String> head = new ArrayList<>(List.of("strategy", "router", "seconds"));
    for (Metric metric : Metric.values()) {
      head.add(name(metric));
    }
    head.add("goodput");
    head.add("requests/s");
    table.lines.add(head);
    for (Comparison.Row row : comparison.rows()) {
      table.add(row);
    }
    return table.write();
  }

  private void add(Comparison.Row row) {
    boolean first = true;
    for (Map.Entry<String, ToDoubleFunction<Distribution>> statistic : STATISTICS.entrySet()) {
      List<String> line = new ArrayList<>();
      line.add(first ? row.candidate().name() : "");
      line.add(first ? router(row) : "");
      line.add(statistic.getKey());
      for (Metric metric : Metric.values()) {
        double value = statistic.getValue().applyAsDouble(row.outcome().of(metric));
        line.add(Figures.number(value));
      }
      line.add(first ? Figures.number(row.outcome().goodput()) : "");
      line.add(first ? Figures.number(row.throughput()) : "");
      lines.add(line);
      first = false;
    }
  }

  /** As the command line names it. */
  static String router(Comparison.Row row) {
    return row.candidate().plan().policy().router().name().toLowerCase(Locale.ROOT);
  }

  private String write() {
    int columns = lines.get(0).size();
    int[] widths = new int[columns];
    for (List<String> line : lines) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], line.get(i).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (int l = 0; l < lines.size(); l++) {
      text.append('|');
      for (int i = 0; i < columns; i++) {
        String pad = " ".repeat(widths[i] - lines.get(l).get(i).length());
        String cell = lines.get(l).get(i);
        text.append(' ').append(i < 3 ? cell + pad : pad + cell).append(" |");
      }
      text.append('\n');
      if (l == 0) {
        rule(text, widths);
      }
    }
    return text.toString();
  }

  private static void rule(StringBuilder text, int[] widths) {
    text.append('|');
    for (int i = 0; i < widths.length; i++) {
      text.append(' ').append("-".repeat(widths[i] - 1)).append(i < 3 ? "-" : ":").append(" |");
    }
    text.append('\n');
  }
}

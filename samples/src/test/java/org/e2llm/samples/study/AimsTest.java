package org.e2llm.samples.study;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.e2llm.planner.simulator.Metric;
import org.junit.jupiter.api.Test;

/** How results are held against the aims. */
class AimsTest {
  private static final Setting CONV = new Setting("full12", "llama3-8b-q4", "conv");

  private static List<Result> rows(Setting setting, String contender, double... endToEnd) {
    List<Result> rows = new ArrayList<>();
    for (int i = 0; i < endToEnd.length; i++) {
      Map<Metric, Double> values = new EnumMap<>(Metric.class);
      for (Metric metric : Metric.values()) {
        values.put(metric, endToEnd[i]);
      }
      rows.add(new Result(setting, 0.9, i + 1, contender, 100, values, values, 0.8, 0.9, 1));
    }
    return rows;
  }

  private static CellTable cell(double[] ours, double[] theirs) {
    List<Result> rows = new ArrayList<>(rows(CONV, "replicas", theirs));
    rows.addAll(rows(CONV, "e2llm", 1000, 1000, 1000));
    rows.addAll(rows(CONV, "adaptive", ours));
    return CellTable.of(rows).get(0);
  }

  @Test
  void aTenthMoreIsAsGood() {
    CellTable near = cell(new double[] {10.9, 10.9, 10.9}, new double[] {10, 10, 10});
    assertThat(near.bestOther()).isEqualTo("replicas");
    assertThat(Aims.isNotWorse(near, "adaptive")).isTrue();
    CellTable far = cell(new double[] {11.2, 11.2, 11.2}, new double[] {10, 10, 10});
    assertThat(Aims.isNotWorse(far, "adaptive")).isFalse();
  }

  @Test
  void soAreSomeMillisecondsAndWhatSeedsDoNotTellApart() {
    CellTable fast = cell(new double[] {0.14, 0.14, 0.14}, new double[] {0.1, 0.1, 0.1});
    assertThat(Aims.isNotWorse(fast, "adaptive")).isTrue();
    // Standard deviation 3 over three seeds: half of the interval is 4.303 × 3 / √3.
    CellTable noisy = cell(new double[] {12, 15, 9}, new double[] {10, 10, 10});
    assertThat(noisy.pairedHalfWidth("adaptive", "replicas")).isBetween(7.4, 7.5);
    assertThat(Aims.isNotWorse(noisy, "adaptive")).isTrue();
  }

  @Test
  void goodputIsHeldAgainstTheBound() {
    CellTable cell = cell(new double[] {10, 10, 10}, new double[] {10, 10, 10});
    assertThat(Aims.keepsGoodput(cell, "adaptive")).isTrue(); // 0.8 of 0.9
  }

  @Test
  void changesAreMediansOverCells() {
    List<Result> rows = new ArrayList<>();
    double[] ours = {1, 5, 9};
    for (int i = 0; i < ours.length; i++) {
      Setting setting = new Setting("full12", "llama3-8b-q4", Setting.WORKLOADS.get(i));
      rows.addAll(rows(setting, "e2llm", 10));
      rows.addAll(rows(setting, "adaptive", ours[i]));
    }
    Aims aims = new Aims(CellTable.of(rows), setting -> 1);
    assertThat(aims.medianChange("llama3-8b-q4", 0.9, Metric.WAIT, "adaptive", "e2llm"))
        .isEqualTo(-0.5);
    assertThat(aims.markdown())
        .contains("| llama3-8b-q4: mean wait against e2llm | -80 % | -50 % |");
  }
}

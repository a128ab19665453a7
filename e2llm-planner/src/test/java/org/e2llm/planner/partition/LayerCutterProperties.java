package org.e2llm.planner.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.model.LayerRange;
import org.jspecify.annotations.Nullable;

/** What the recurrence finds is what trying every cut finds. */
class LayerCutterProperties {
  private final LayerCutter cutter = new LayerCutter();

  @Property(tries = 1000)
  void theBottleneckIsTheLowestOfAllCuts(
      @ForAll Random random,
      @ForAll @IntRange(min = 1, max = 5) int devices,
      @ForAll @IntRange(min = 1, max = 8) int layers) {
    CutProblem problem = problem(random, devices, layers, false);
    BruteForce all = new BruteForce(problem);
    LayerCut found = cutter.cutByBottleneck(problem);
    if (found == null) {
      assertThat(all.bottleneck).isInfinite();
      return;
    }
    assertThat(found.bottleneck()).isEqualTo(all.bottleneck);
    assertThat(found.sum()).isCloseTo(all.sumAtBottleneck, within(1e-9));
    assertThat(cutter.bottleneck(problem)).isEqualTo(all.bottleneck);
  }

  @Property(tries = 1000)
  void theSumIsTheLowestOfAllCuts(
      @ForAll Random random,
      @ForAll @IntRange(min = 1, max = 5) int devices,
      @ForAll @IntRange(min = 1, max = 8) int layers) {
    CutProblem problem = problem(random, devices, layers, false);
    BruteForce all = new BruteForce(problem);
    LayerCut found = cutter.cutBySum(problem);
    if (found == null) {
      assertThat(all.sum).isInfinite();
    } else {
      assertThat(found.sum()).isCloseTo(all.sum, within(1e-9));
    }
  }

  @Property(tries = 1000)
  void pinnedLayersAreKept(
      @ForAll Random random,
      @ForAll @IntRange(min = 1, max = 4) int devices,
      @ForAll @IntRange(min = 1, max = 7) int layers) {
    CutProblem problem = problem(random, devices, layers, true);
    BruteForce all = new BruteForce(problem);
    LayerCut found = cutter.cutByBottleneck(problem);
    if (found == null) {
      assertThat(all.bottleneck).isInfinite();
    } else {
      assertThat(found.bottleneck()).isEqualTo(all.bottleneck);
      assertThat(found.sum()).isCloseTo(all.sumAtBottleneck, within(1e-9));
    }
  }

  @Property(tries = 300)
  void neverWorseThanAnEvenCut(
      @ForAll Random random,
      @ForAll @IntRange(min = 1, max = 20) int devices,
      @ForAll @IntRange(min = 20, max = 80) int layers) {
    CutProblem problem = problem(random, devices, layers, false);
    assertThat(cutter.bottleneck(problem)).isLessThanOrEqualTo(LayerCut.even(problem).bottleneck());
  }

  @Property(tries = 300)
  void oneMoreDeviceIsNeverWorse(
      @ForAll Random random, @ForAll @IntRange(min = 2, max = 12) int devices) {
    CutProblem problem = problem(random, devices, 32, false);
    assertThat(cutter.bottleneck(problem))
        .isLessThanOrEqualTo(cutter.bottleneck(withoutLast(problem)));
  }

  @Property(tries = 200)
  void layersAreCompleteAndInOrder(
      @ForAll Random random, @ForAll @IntRange(min = 1, max = 12) int devices) {
    LayerCut cut = cutter.cutByBottleneck(problem(random, devices, 40, false));
    if (cut != null) {
      int next = 0;
      for (LayerRange range : cut.ranges()) {
        if (range.size() > 0) {
          assertThat(range.from()).isEqualTo(next);
          next = range.to();
        }
      }
      assertThat(next).isEqualTo(40);
    }
  }

  /** Random speeds, memory limits, layer weights and ends; whole numbers, so that ties occur. */
  private static CutProblem problem(Random random, int devices, int layers, boolean pinned) {
    int[] weight = new int[layers + 1];
    for (int i = 0; i < layers; i++) {
      weight[i + 1] = weight[i] + 1 + random.nextInt(3);
    }
    int head = random.nextInt(6);
    double[][] stage = new double[devices][(layers + 1) * (layers + 1)];
    double[][] room = new double[devices][(layers + 1) * (layers + 1)];
    @Nullable LayerRange[] pins = new LayerRange[devices];
    for (int i = 0; i < devices; i++) {
      int slowness = 1 + random.nextInt(4);
      int fixed = random.nextInt(3);
      int memory = random.nextInt(4) == 0 ? random.nextInt(weight[layers] + 1) : 1000;
      for (int to = 1; to <= layers; to++) {
        for (int from = 0; from < to; from++) {
          int work = weight[to] - weight[from] + (to == layers ? head : 0);
          stage[i][CutProblem.index(layers, from, to)] = fixed + slowness * work;
          room[i][CutProblem.index(layers, from, to)] = memory - work;
        }
      }
      if (pinned && random.nextInt(3) == 0) {
        int from = random.nextInt(layers);
        pins[i] = LayerRange.of(from, from + 1 + random.nextInt(layers - from));
      }
    }
    double[] occupancy = new double[devices * devices];
    double[] delay = new double[devices * devices];
    for (int i = 0; i < occupancy.length; i++) {
      occupancy[i] = random.nextInt(8) == 0 ? Double.POSITIVE_INFINITY : random.nextInt(10);
      delay[i] = occupancy[i] + random.nextInt(3);
    }
    return new CutProblem(layers, stage, room, 0, occupancy, delay, pins);
  }

  private static CutProblem withoutLast(CutProblem problem) {
    int n = problem.devices - 1;
    double[] occupancy = new double[n * n];
    double[] delay = new double[n * n];
    for (int a = 0; a < n; a++) {
      for (int b = 0; b < n; b++) {
        occupancy[a * n + b] = problem.occupancy[a * problem.devices + b];
        delay[a * n + b] = problem.delay[a * problem.devices + b];
      }
    }
    return new CutProblem(
        problem.layers,
        Arrays.copyOf(problem.stage, n),
        Arrays.copyOf(problem.room, n),
        problem.need,
        occupancy,
        delay,
        Arrays.copyOf(problem.pins, n));
  }

  /** Every cut, one after the other. */
  private static final class BruteForce {
    private final CutProblem problem;
    private final LayerRange[] ranges;
    double bottleneck = Double.POSITIVE_INFINITY;
    double sumAtBottleneck = Double.POSITIVE_INFINITY;
    double sum = Double.POSITIVE_INFINITY;

    BruteForce(CutProblem problem) {
      this.problem = problem;
      this.ranges = new LayerRange[problem.devices];
      tryFrom(0, 0);
    }

    private void tryFrom(int device, int from) {
      if (device == problem.devices) {
        if (from == problem.layers) {
          judge(LayerCut.of(problem, ranges.clone()));
        }
        return;
      }
      for (int to = from; to <= problem.layers; to++) {
        ranges[device] = LayerRange.of(from, to);
        tryFrom(device + 1, to);
      }
    }

    private void judge(LayerCut cut) {
      if (Double.isInfinite(cut.bottleneck())) {
        return;
      }
      if (cut.bottleneck() < bottleneck) {
        bottleneck = cut.bottleneck();
        sumAtBottleneck = cut.sum();
      } else if (cut.bottleneck() == bottleneck) {
        sumAtBottleneck = Math.min(sumAtBottleneck, cut.sum());
      }
      sum = Math.min(sum, cut.sum());
    }
  }
}

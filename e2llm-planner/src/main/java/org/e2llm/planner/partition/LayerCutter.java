package org.e2llm.planner.partition;

import java.util.Arrays;
import org.e2llm.model.LayerRange;
import org.jspecify.annotations.Nullable;

/**
 * Cuts layers over an ordered list of devices, exactly, by dynamic programming.
 *
 * <pre>
 *   f_i[j] = min over k of max( h_i[j−k], cost_i(j−k, j) )        device i is the last in use and
 *                                                               ends with layer j−1
 *   h_i[j] = min over i' &lt; i of max( f_i'[j], link(i', i) )      h_i[0] = 0: i begins the chain
 *   bottleneck = min over i of f_i[L]
 * </pre>
 *
 * <p>A device may be passed over: adding a slow one never makes a cut worse. O(D²·L + D·L²). A
 * second pass of the same form minimises the sum of stages and link delays among the cuts that
 * reach the bottleneck; alone, it serves one session, for which only the sum counts.
 *
 * <p>Keeps its work space between calls; not thread-safe.
 */
public final class LayerCutter {
  /** Two sums of the same numbers in another order are the same bottleneck. */
  private static final double ROUNDING = 1 + 1e-12;

  /** {@code [i * (layers + 1) + j]}: f, then the layer where the last stage begins. */
  private double[] best = {};

  private int[] begin = {};
  private double[] reach = {};

  /** {@code [i * (layers + 1) + j]}: which device ends at j before device i begins there. */
  private int[] before = {};

  /** The lowest bottleneck, infinite if no cut fits. */
  public double bottleneck(CutProblem problem) {
    int last = solve(problem, false, Double.POSITIVE_INFINITY);
    return last < 0 ? Double.POSITIVE_INFINITY : best[last * (problem.layers + 1) + problem.layers];
  }

  /** The cut of the lowest sum among those of the lowest bottleneck, or null if none fits. */
  public @Nullable LayerCut cutByBottleneck(CutProblem problem) {
    double bottleneck = bottleneck(problem);
    return Double.isInfinite(bottleneck) ? null : cutBySum(problem, bottleneck * ROUNDING);
  }

  /** The cut of the lowest sum, or null if none fits. */
  public @Nullable LayerCut cutBySum(CutProblem problem) {
    return cutBySum(problem, Double.MAX_VALUE);
  }

  /** The cut of the lowest sum in which no stage and no link takes more than {@code limit}. */
  private @Nullable LayerCut cutBySum(CutProblem problem, double limit) {
    int last = solve(problem, true, limit);
    if (last < 0) {
      return null;
    }
    LayerRange[] ranges = new LayerRange[problem.devices];
    Arrays.fill(ranges, LayerRange.of(0, 0));
    int row = problem.layers + 1;
    int to = problem.layers;
    for (int i = last; to > 0; ) {
      int from = begin[i * row + to];
      ranges[i] = LayerRange.of(from, to);
      i = before[i * row + from];
      to = from;
    }
    return LayerCut.of(problem, ranges);
  }

  /**
   * Fills the tables.
   *
   * @return the last device in use of the best cut, or -1 if none fits
   */
  private int solve(CutProblem problem, boolean sum, double limit) {
    int row = problem.layers + 1;
    grow(problem.devices * row);
    int last = -1;
    double lowest = Double.POSITIVE_INFINITY;
    for (int i = 0; i < problem.devices; i++) {
      reach(problem, i, sum, limit);
      LayerRange pin = problem.pins[i];
      for (int to = 0; to <= problem.layers; to++) {
        best[i * row + to] = Double.POSITIVE_INFINITY;
      }
      if (pin != null) {
        extend(problem, i, pin.to(), pin.from(), pin.from(), sum, limit);
        last = -1;
        lowest = Double.POSITIVE_INFINITY;
      } else {
        for (int to = 1; to <= problem.layers; to++) {
          extend(problem, i, to, to - 1, 0, sum, limit);
        }
      }
      if (best[i * row + problem.layers] < lowest) {
        lowest = best[i * row + problem.layers];
        last = i;
      }
    }
    return last;
  }

  private void grow(int size) {
    if (best.length < size) {
      best = new double[size];
      begin = new int[size];
      reach = new double[size];
      before = new int[size];
    }
  }

  /** h_i: the best way to have layers {@code [0, j)} done before device i begins with j. */
  private void reach(CutProblem problem, int i, boolean sum, double limit) {
    int row = problem.layers + 1;
    int at = i * row;
    Arrays.fill(reach, at, at + row, Double.POSITIVE_INFINITY);
    reach[at] = 0;
    before[at] = -1;
    for (int p = i - 1; p >= 0; p--) {
      double occupied = problem.occupancy[p * problem.devices + i];
      if (occupied <= limit) {
        double delay = problem.delay[p * problem.devices + i];
        for (int j = 1; j < problem.layers; j++) {
          double done = best[p * row + j];
          double value = sum ? done + delay : Math.max(done, occupied);
          if (value < reach[at + j]) {
            reach[at + j] = value;
            before[at + j] = p;
          }
        }
      }
      if (problem.pins[p] != null) {
        // It cannot be passed over: nobody before it hands on to i, nor does i begin the chain.
        reach[at] = Double.POSITIVE_INFINITY;
        break;
      }
    }
  }

  /** f_i[to], with a first layer between {@code least} and {@code most}. */
  private void extend(
      CutProblem problem, int i, int to, int most, int least, boolean sum, double limit) {
    int row = problem.layers + 1;
    double[] costs = problem.stage[i];
    double[] room = problem.room[i];
    double lowest = Double.POSITIVE_INFINITY;
    int first = -1;
    for (int from = most; from >= least; from--) {
      double cost = costs[to * row + from];
      if (cost >= lowest || cost > limit || room[to * row + from] < problem.need) {
        break; // With more layers it only gets worse.
      }
      double done = reach[i * row + from];
      double value = sum ? done + cost : Math.max(done, cost);
      if (value < lowest) {
        lowest = value;
        first = from;
      }
    }
    best[i * row + to] = lowest;
    begin[i * row + to] = first;
  }
}

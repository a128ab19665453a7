package org.e2llm.planner.partition;

import java.util.Arrays;
import java.util.List;
import org.e2llm.model.LayerRange;

/**
 * Who has which layers. Devices without any take no part in the chain.
 *
 * @param ranges per device, in the order of the problem; an empty range for none
 * @param bottleneck the highest cost of a stage or occupancy of a link in use
 * @param sum of all stages and of the delays of all links in use
 */
public record LayerCut(List<LayerRange> ranges, double bottleneck, double sum) {
  public LayerCut {
    ranges = List.copyOf(ranges);
  }

  /** A cut over given borders, judged by the problem's numbers. */
  public static LayerCut of(CutProblem problem, LayerRange... ranges) {
    double bottleneck = 0;
    double sum = 0;
    int previous = -1;
    for (int i = 0; i < ranges.length; i++) {
      LayerRange range = ranges[i];
      LayerRange pin = problem.pins[i];
      if (pin != null && !pin.equals(range)) {
        bottleneck = Double.POSITIVE_INFINITY;
      }
      if (range.size() == 0) {
        continue;
      }
      int entry = CutProblem.index(problem.layers, range.from(), range.to());
      double stage = problem.stage[i][entry];
      boolean fits = problem.room[i][entry] >= problem.need;
      bottleneck = fits ? Math.max(bottleneck, stage) : Double.POSITIVE_INFINITY;
      sum += stage;
      if (previous >= 0) {
        bottleneck = Math.max(bottleneck, problem.occupancy[previous * problem.devices + i]);
        sum += problem.delay[previous * problem.devices + i];
      }
      previous = i;
    }
    return new LayerCut(Arrays.asList(ranges), bottleneck, sum);
  }

  /** The obvious cut: as even as it goes, the first devices one layer more. */
  public static LayerCut even(CutProblem problem) {
    LayerRange[] ranges = new LayerRange[problem.devices];
    for (int i = 0; i < ranges.length; i++) {
      ranges[i] =
          LayerRange.of(
              (i * problem.layers + problem.devices - 1) / problem.devices,
              ((i + 1) * problem.layers + problem.devices - 1) / problem.devices);
    }
    return of(problem, ranges);
  }

  /** Devices that have layers. */
  public int stages() {
    int stages = 0;
    for (LayerRange range : ranges) {
      stages += range.size() > 0 ? 1 : 0;
    }
    return stages;
  }
}

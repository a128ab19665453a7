package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.LinkProfile;
import org.e2llm.planner.grouping.StageTables.Work;
import org.e2llm.planner.partition.CutProblem;
import org.e2llm.planner.partition.LayerCut;
import org.e2llm.planner.partition.LayerCutter;
import org.jspecify.annotations.Nullable;

/** Poses a group's cut as numbers, has it solved, and says what follows from it. */
final class GroupCutter {
  private final SearchSpace space;
  private final LayerCutter cutter = new LayerCutter();

  GroupCutter(SearchSpace space) {
    this.space = space;
  }

  /** For the highest rate in a role: the batch that gives it, and the cut for that batch. */
  @Nullable GroupShape cut(int[] group, Work work) {
    CutProblem best = null;
    double lowest = Double.POSITIVE_INFINITY;
    int levels = work == Work.PREFILL ? 1 : BatchLevels.COUNT;
    for (int level = 0; level < levels; level++) {
      double need =
          work == Work.PREFILL
              ? space.demand().largest()
              : BatchLevels.tokens(space.demand(), BatchLevels.batch(level), group.length);
      CutProblem problem = problem(group, work, level, need);
      double bottleneck = cutter.bottleneck(problem);
      if (bottleneck >= lowest || (level > 0 && tooSlow(problem, level))) {
        break;
      }
      best = problem;
      lowest = bottleneck;
    }
    // With less memory than one session per stage some stages are idle at times.
    LayerCut cut =
        cutter.cutByBottleneck(
            best == null ? problem(group, work, 0, space.demand().largest()) : best);
    if (cut == null) {
      return null;
    }
    return shape(group, cut, work, 0);
  }

  /** Whether so large a batch would leave each of its sessions too little progress. */
  private boolean tooSlow(CutProblem problem, int level) {
    if (Double.isInfinite(space.demand().tpotLimit())) {
      return false;
    }
    LayerCut cut = cutter.cutByBottleneck(problem);
    int batch = BatchLevels.batch(level);
    return cut == null
        || cut.bottleneck() * cut.stages() * batch / space.demand().output()
            > space.demand().tpotLimit();
  }

  /** For the soonest end of a request while so many run on the group. */
  @Nullable GroupShape cutForLatency(int[] group, int sessions) {
    int level = 0;
    while (BatchLevels.batch(level) < sessions && level < BatchLevels.COUNT - 1) {
      level++;
    }
    double need =
        Math.max(space.demand().largest(), BatchLevels.batch(level) * space.demand().likely());
    CutProblem problem = problem(group, Work.LATENCY, level, need);
    GroupShape best = null;
    for (LayerCut cut : Arrays.asList(cutter.cutBySum(problem), cutter.cutByBottleneck(problem))) {
      if (cut != null) {
        GroupShape shape = shape(group, cut, Work.LATENCY, sessions);
        best = best == null || shape.rate() > best.rate() ? shape : best;
      }
    }
    return best;
  }

  private CutProblem problem(int[] group, Work work, int level, double need) {
    int n = group.length;
    double[][] seconds = new double[n][];
    double[][] room = new double[n][];
    double[] occupancy = new double[n * n];
    double[] delay = new double[n * n];
    @Nullable LayerRange[] pinned = new LayerRange[n];
    int batch = BatchLevels.batch(level);
    double rows =
        (work == Work.DECODE ? 0 : space.demand().prompt())
            + (work == Work.PREFILL ? 0 : space.demand().output());
    double crossings =
        (work == Work.DECODE ? 0 : space.demand().chunks())
            + (work == Work.PREFILL
                ? 0
                : space.demand().output() / (work == Work.LATENCY ? 1 : batch));
    for (int a = 0; a < n; a++) {
      StageTables table = space.tables(group[a]);
      seconds[a] = table.seconds(work, level);
      room[a] = table.room();
      pinned[a] = space.pin(group[a]);
      for (int b = 0; b < n; b++) {
        if (a != b) {
          LinkProfile link = space.network().link(group[a], group[b]);
          occupancy[a * n + b] = rows * space.cost().hiddenBytes(1) / link.bytesPerSecond();
          delay[a * n + b] = occupancy[a * n + b] + crossings * link.latencySeconds();
        }
      }
    }
    return new CutProblem(
        space.cost().model().layerCount(), seconds, room, need, occupancy, delay, pinned);
  }

  private GroupShape shape(int[] group, LayerCut cut, Work work, int sessions) {
    int[] used = new int[cut.stages()];
    List<LayerRange> layers = new ArrayList<>();
    for (int i = 0; i < group.length; i++) {
      if (cut.ranges().get(i).size() > 0) {
        used[layers.size()] = group[i];
        layers.add(cut.ranges().get(i));
      }
    }
    ReplicaEstimate estimate = space.estimator().estimate(used, layers, work.role());
    double rate =
        work == Work.LATENCY
            ? 1 / space.estimator().seconds(used, layers, sessions)
            : estimate.rate(work.role());
    double[] kvShare = new double[space.mediumNames().size()];
    int[] crossings = new int[space.mediumNames().size()];
    for (int i = 0; i < used.length; i++) {
      int on = space.mediumOf(used[i]);
      if (on >= 0) {
        kvShare[on] += (double) layers.get(i).size() / space.cost().model().layerCount();
      }
      String between =
          i + 1 < used.length ? space.network().link(used[i], used[i + 1]).medium() : null;
      if (between != null) {
        crossings[space.mediumNames().indexOf(between)]++;
      }
    }
    return new GroupShape(cut.ranges(), rate, kvShare, crossings, estimate);
  }
}

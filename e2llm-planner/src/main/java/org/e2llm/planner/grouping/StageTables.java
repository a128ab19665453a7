package org.e2llm.planner.grouping;

import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.partition.CutProblem;
import org.jspecify.annotations.Nullable;

/**
 * What every layer range costs on one kind of device, for each thing a replica may be used for.
 * Filled when first asked for.
 */
final class StageTables {
  /** What costs are reckoned for. */
  enum Work {
    /** Busy time per request that is only prefilled here, hand-off included. */
    PREFILL(Role.PREFILL),
    /** Busy time per request that is only decoded here, hand-off included. */
    DECODE(Role.DECODE),
    /** Busy time per request that has both phases here. */
    MIXED(Role.MIXED),
    /** Time that a request of few spends here. */
    LATENCY(Role.MIXED);

    private final Role role;

    Work(Role role) {
      this.role = role;
    }

    Role role() {
      return role;
    }

    static Work of(Role role) {
      return role == Role.PREFILL ? PREFILL : role == Role.DECODE ? DECODE : MIXED;
    }
  }

  private final CostModel cost;
  private final DeviceProfile device;
  private final Demand demand;
  private final double[] room;
  private final double[] @Nullable [] tables =
      new double[Work.values().length * BatchLevels.COUNT][];

  StageTables(CostModel cost, DeviceProfile device, Demand demand) {
    this.cost = cost;
    this.device = device;
    this.demand = demand;
    this.room = roomTable(cost, device);
  }

  private static double[] roomTable(CostModel cost, DeviceProfile device) {
    int layers = cost.model().layerCount();
    double[] table = new double[(layers + 1) * (layers + 1)];
    for (int to = 1; to <= layers; to++) {
      for (int from = 0; from < to; from++) {
        table[CutProblem.index(layers, from, to)] =
            cost.model().tokensThatFit(from, to, device.memoryBytes());
      }
    }
    return table;
  }

  /** Tokens that can be cached beside each range. */
  double[] room() {
    return room;
  }

  /** Seconds per range, for a micro-batch of this level. */
  double[] seconds(Work work, int level) {
    int index = work.ordinal() * BatchLevels.COUNT + level;
    double[] table = tables[index];
    if (table == null) {
      table = table(work, BatchLevels.batch(level));
      tables[index] = table;
    }
    return table;
  }

  private double[] table(Work work, int batch) {
    int layers = cost.model().layerCount();
    double[] table = new double[(layers + 1) * (layers + 1)];
    for (int to = 1; to <= layers; to++) {
      for (int from = 0; from < to; from++) {
        table[CutProblem.index(layers, from, to)] = seconds(work, LayerRange.of(from, to), batch);
      }
    }
    return table;
  }

  private double seconds(Work work, LayerRange layers, int batch) {
    if (work == Work.LATENCY) {
      return RequestCost.latency(cost.stage(device, layers), demand, batch);
    }
    return RequestCost.busy(cost, device, demand, layers, batch, work.role());
  }
}

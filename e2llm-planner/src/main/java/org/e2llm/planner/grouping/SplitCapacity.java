package org.e2llm.planner.grouping;

import java.util.List;
import org.e2llm.pipeline.Role;
import org.jspecify.annotations.Nullable;

/**
 * What groups sustain together with given roles.
 *
 * <pre>
 *   capacity = min( sum of prefill rates, sum of decode rates, speed of each shared medium / its bytes
 *              per request )
 * </pre>
 *
 * Each replica's rate has its own network interface in it already. Replicas take requests in
 * proportion to their rates; the KV cache crosses a medium if either owner is on it.
 */
final class SplitCapacity {
  /**
   * The score is a power mean of the limits: it follows the lowest, and rewards slack in the others
   * a little, which shortens queues and gives a search a slope where the lowest does not move.
   */
  private static final int POWER = 16;

  private final SearchSpace space;
  private final List<int[]> groups;
  private final boolean someDisconnected;

  /** What each group can do as PREFILL, and as DECODE. */
  final @Nullable GroupShape[] prefill;

  final @Nullable GroupShape[] decode;

  SplitCapacity(SearchSpace space, List<int[]> groups) {
    this.space = space;
    this.groups = groups;
    this.prefill = new GroupShape[groups.size()];
    this.decode = new GroupShape[groups.size()];
    for (int g = 0; g < prefill.length; g++) {
      prefill[g] = space.shape(groups.get(g), Role.PREFILL);
      decode[g] = space.shape(groups.get(g), Role.DECODE);
    }
    this.someDisconnected = !space.fullyConnected();
  }

  /** Requests per second; 0 if a phase is served by nobody. */
  double requestsPerSecond(@Nullable Role[] roles) {
    double lowest = Double.POSITIVE_INFINITY;
    for (double limit : limits(roles)) {
      lowest = Math.min(lowest, limit);
    }
    return lowest;
  }

  double score(@Nullable Role[] roles) {
    double sum = 0;
    for (double limit : limits(roles)) {
      double squared = 1 / (limit * limit);
      double fourth = squared * squared;
      double eighth = fourth * fourth;
      sum += eighth * eighth;
    }
    return Math.pow(sum, -1.0 / POWER);
  }

  private double[] limits(@Nullable Role[] roles) {
    int mediums = space.mediumNames().size();
    double[] limits = new double[2 + mediums];
    for (int g = 0; g < roles.length; g++) {
      GroupShape shape = shape(roles, g);
      if (shape != null) {
        limits[roles[g] == Role.PREFILL ? 0 : 1] += shape.rate();
      }
    }
    if (someDisconnected && !handoffsPossible(roles)) {
      limits[0] = 0;
    }
    if (limits[0] == 0 || limits[1] == 0) {
      return new double[] {0, 0};
    }
    Demand demand = space.demand();
    double hidden = space.cost().hiddenBytes(1);
    double kv = demand.prompt() * space.cost().handoffBytes(space.cost().model().layerCount(), 1);
    for (int medium = 0; medium < mediums; medium++) {
      double bytes = 0;
      double leaves = 0;
      double comes = 0;
      for (int g = 0; g < roles.length; g++) {
        GroupShape shape = shape(roles, g);
        if (shape != null) {
          boolean first = roles[g] == Role.PREFILL;
          double share = shape.rate() / limits[first ? 0 : 1];
          bytes +=
              share
                  * shape.crossings()[medium]
                  * hidden
                  * (first ? demand.prompt() : demand.output());
          leaves += first ? share * shape.kvShare()[medium] : 0;
          comes += first ? 0 : share * shape.kvShare()[medium];
        }
      }
      bytes += kv * (leaves + comes - leaves * comes);
      limits[2 + medium] = space.mediumSpeed(medium) / bytes;
    }
    return limits;
  }

  /** What a group does in its role, or null. */
  @Nullable GroupShape shape(@Nullable Role[] roles, int g) {
    return roles[g] == null ? null : roles[g] == Role.PREFILL ? prefill[g] : decode[g];
  }

  private boolean handoffsPossible(@Nullable Role[] roles) {
    for (int p = 0; p < roles.length; p++) {
      for (int d = 0; d < roles.length; d++) {
        if (roles[p] == Role.PREFILL
            && roles[d] == Role.DECODE
            && !space.connected(groups.get(p), groups.get(d))) {
          return false;
        }
      }
    }
    return true;
  }
}

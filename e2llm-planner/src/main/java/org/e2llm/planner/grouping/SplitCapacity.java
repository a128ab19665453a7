package org.e2llm.planner.grouping;

import java.util.List;
import org.e2llm.pipeline.Role;
import org.jspecify.annotations.Nullable;

/**
 * What groups sustain together with given roles.
 *
 * <pre>
 *   capacity = min( sum of prefill rates, sum of decode rates, 0.8 · speed of each shared medium / its
 *              bytes per request )
 *   decode rate of a replica &lt;= sessions its KV cache holds / seconds that one is kept there:
 *              TTFT of the PREFILL replicas + hand-off + O · TPOT
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

  /**
   * How much of a shared medium is reckoned with. Whoever waits for it keeps memory on two replicas
   * meanwhile; in simulations of the known fleets, plans that used all of it did a tenth to a third
   * less than they should.
   */
  private static final double MEDIUM_USE = 0.8;

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
    return new Sum(roles).lowest();
  }

  /** What searches compare. */
  double score(@Nullable Role[] roles) {
    Sum sum = new Sum(roles);
    return sum.lowest() > 0 ? Value.of(sum.powerMean(), sum.seconds()) : 0;
  }

  /** All replicas with their roles taken together. */
  private final class Sum {
    private double prompts;
    private double promptSeconds;
    private double leaveSeconds;
    private double answers;
    private double answerSeconds;
    private double comeSeconds;
    private final double[] mediums = new double[space.mediumNames().size()];

    Sum(@Nullable Role[] roles) {
      for (int g = 0; g < roles.length; g++) {
        GroupShape shape = shape(roles, g);
        if (shape != null && roles[g] == Role.PREFILL) {
          prompts += shape.rate();
          promptSeconds += shape.rate() * shape.estimate().ttftSeconds();
          leaveSeconds += shape.rate() * shape.estimate().handoffSeconds();
        }
      }
      if (prompts == 0 || (someDisconnected && !handoffsPossible(roles))) {
        return;
      }
      promptSeconds /= prompts;
      leaveSeconds /= prompts;
      double[] rates = new double[roles.length];
      for (int g = 0; g < roles.length; g++) {
        GroupShape shape = shape(roles, g);
        if (shape != null && roles[g] == Role.DECODE) {
          rates[g] = decodeRate(shape.estimate());
          answers += rates[g];
          answerSeconds += rates[g] * answerSeconds(shape.estimate());
          comeSeconds += rates[g] * shape.estimate().handoffSeconds();
        }
      }
      if (answers == 0) {
        return;
      }
      answerSeconds /= answers;
      comeSeconds /= answers;
      for (int medium = 0; medium < mediums.length; medium++) {
        mediums[medium] = MEDIUM_USE * space.mediumSpeed(medium) / bytes(roles, rates, medium);
      }
    }

    /** A request's memory is kept for it from its start, while its prompt is computed elsewhere. */
    private double decodeRate(ReplicaEstimate estimate) {
      double kept =
          promptSeconds
              + Math.max(leaveSeconds, estimate.handoffSeconds())
              + answerSeconds(estimate);
      double sessions = Math.max(1, estimate.kvTokens() / space.demand().likely());
      return Math.min(estimate.decodeRate(), sessions / kept);
    }

    private double answerSeconds(ReplicaEstimate estimate) {
      return space.demand().output() * estimate.tpotSeconds();
    }

    /** Per request; replicas take requests in proportion to their rates. */
    private double bytes(@Nullable Role[] roles, double[] decodeRates, int medium) {
      double hidden = 0;
      double leaves = 0;
      double comes = 0;
      for (int g = 0; g < roles.length; g++) {
        GroupShape shape = shape(roles, g);
        if (shape != null && roles[g] == Role.PREFILL) {
          double share = shape.rate() / prompts;
          hidden += share * shape.crossings()[medium] * space.demand().prompt();
          leaves += share * shape.kvShare()[medium];
        } else if (shape != null) {
          double share = decodeRates[g] / answers;
          hidden += share * shape.crossings()[medium] * space.demand().output();
          comes += share * shape.kvShare()[medium];
        }
      }
      int layers = space.cost().model().layerCount();
      double kv = space.demand().prompt() * space.cost().handoffBytes(layers, 1);
      return hidden * space.cost().hiddenBytes(1) + kv * (leaves + comes - leaves * comes);
    }

    double lowest() {
      double lowest = Math.min(prompts, answers);
      for (double limit : mediums) {
        lowest = Math.min(lowest, limit);
      }
      return lowest;
    }

    double powerMean() {
      double sum = power(prompts) + power(answers);
      for (double limit : mediums) {
        sum += power(limit);
      }
      return StrictMath.pow(sum, -1.0 / POWER);
    }

    private double power(double limit) {
      double squared = 1 / (limit * limit);
      double fourth = squared * squared;
      double eighth = fourth * fourth;
      return eighth * eighth;
    }

    /** Of a mean request that meets no other. */
    double seconds() {
      return promptSeconds + Math.max(leaveSeconds, comeSeconds) + answerSeconds;
    }
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

package org.e2llm.plan;

import java.util.List;
import org.e2llm.InvalidRequestException;
import org.e2llm.pipeline.Role;

/**
 * A chain of stages that together hold the model once.
 *
 * @param role what it is used for
 * @param stages in the order of the layers, without gap or overlap, from layer 0
 * @param kvTokens the most tokens that all its stages can cache at the same time
 * @param expected what the planner's cost model expects of it
 */
public record ReplicaPlan(Role role, List<StagePlan> stages, long kvTokens, Expected expected) {
  /**
   * What is expected of a replica for the workload's mean request, whatever its role: any replica
   * can do either phase.
   *
   * @param ttftSeconds arrival to first token where nothing else runs
   * @param tpotSeconds per output token at the batch the plan reckons with
   * @param requestsPerSecond capacity in its role: prompts for PREFILL, answers for DECODE, both
   *     for MIXED
   * @param tokensPerSecond capacity in its role: prompt tokens for PREFILL, output tokens otherwise
   */
  public record Expected(
      double ttftSeconds, double tpotSeconds, double requestsPerSecond, double tokensPerSecond) {
    public Expected {
      Check.notNegative("expected", "ttftSeconds", ttftSeconds);
      Check.notNegative("expected", "tpotSeconds", tpotSeconds);
      Check.notNegative("expected", "requestsPerSecond", requestsPerSecond);
      Check.notNegative("expected", "tokensPerSecond", tokensPerSecond);
    }
  }

  public ReplicaPlan {
    stages = List.copyOf(stages);
    if (stages.isEmpty()) {
      throw new InvalidRequestException("a replica has no stage: it needs at least one");
    }
    int next = 0;
    for (StagePlan stage : stages) {
      if (stage.layers().from() != next) {
        throw new InvalidRequestException(
            "stage of "
                + stage.device()
                + " has layers "
                + stage.layers()
                + ", expected is that they begin with layer "
                + next
                + ": stages follow each other without gap or overlap");
      }
      next = stage.layers().to();
    }
    Check.positive("replica of " + stages.get(0).device(), "kvTokens", kvTokens);
  }

  /** One past the last layer. */
  public int layerCount() {
    return stages.get(stages.size() - 1).layers().to();
  }
}

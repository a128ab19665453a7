package org.e2llm.planner.strategy;

import java.util.List;
import org.e2llm.plan.Plan;
import org.e2llm.planner.grouping.LatencyRoles;
import org.e2llm.planner.grouping.MixedRoles;

/** Groups as the genetic algorithm forms them, without roles: no KV cache ever moves. */
public final class ReplicasStrategy implements Strategy {
  @Override
  public String name() {
    return "replicas";
  }

  @Override
  public List<Plan> plans(Question question, int wanted) {
    return E2llmStrategy.searched(
        question,
        question.latencyCounts() ? new LatencyRoles(false) : new MixedRoles(),
        name(),
        wanted);
  }
}

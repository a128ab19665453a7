package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.GeneticSearch;
import org.e2llm.planner.grouping.LatencyRoles;
import org.e2llm.planner.grouping.Roles;
import org.e2llm.planner.grouping.SplitRoles;

/**
 * The paper's idea in our reading: a genetic algorithm forms groups, dynamic programming cuts the
 * layers, and every replica does prefill or decode by its efficiency in either.
 *
 * <p>Where few requests run at a time, roles only make them wait for their KV cache to move: then
 * all replicas are MIXED and what is searched for is the soonest end.
 */
public final class E2llmStrategy implements Strategy {
  @Override
  public String name() {
    return "e2llm";
  }

  @Override
  public List<Plan> plans(Question question, int wanted) {
    Roles roles = question.latencyCounts() ? new LatencyRoles(false) : new SplitRoles();
    return searched(question, roles, name(), wanted);
  }

  /** Plans of a genetic search with these roles, served with earliest completion. */
  static List<Plan> searched(Question question, Roles roles, String strategy, int wanted) {
    question.watch().part(1, question.evaluations());
    List<Plan> plans = new ArrayList<>();
    for (Arrangement arrangement :
        GeneticSearch.run(
            question.space(), roles, question.watch(), question.options().seed(), wanted)) {
      if (arrangement.isFeasible()) {
        plans.add(new PlanMaker(question, strategy, ServingPolicy.ROLES, roles).make(arrangement));
      }
    }
    return plans;
  }
}

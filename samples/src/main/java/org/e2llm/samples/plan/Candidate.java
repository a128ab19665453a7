package org.e2llm.samples.plan;

import org.e2llm.plan.Plan;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.strategy.Strategy;

/**
 * A strategy's plan, ready to be simulated.
 *
 * @param strategy that made it
 * @param deployment the plan on its fleet
 */
record Candidate(Strategy strategy, Deployment deployment) {
  Plan plan() {
    return deployment.plan();
  }

  String name() {
    return strategy.fullName();
  }
}

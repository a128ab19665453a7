package org.e2llm.samples.plan;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.planner.strategy.Strategies;
import org.e2llm.planner.strategy.Strategy;
import org.jspecify.annotations.Nullable;

/**
 * A strategy and the router that its plan is served with.
 *
 * @param router or null for the strategy's own
 */
record Contender(Strategy strategy, @Nullable RouterKind router) {
  /** Every strategy with its own router; E2LLM and Splitwise also with each other's. */
  static List<Contender> all() {
    List<Contender> all = new ArrayList<>();
    Strategies.list().forEach(strategy -> all.add(new Contender(strategy, null)));
    all.add(new Contender(Strategies.get("e2llm"), RouterKind.JSQ));
    all.add(new Contender(Strategies.get("splitwise:capability"), RouterKind.ECT));
    return List.copyOf(all);
  }

  /** Whether it simulates, and so wants to know rate and SLO. */
  boolean isAdaptive() {
    return strategy.name().equals("adaptive");
  }

  /** Whether each seed gives another plan. */
  boolean isDrawn() {
    return strategy.variant().startsWith("random");
  }
}

package org.e2llm.samples.study;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.planner.strategy.Strategies;
import org.e2llm.planner.strategy.Strategy;
import org.jspecify.annotations.Nullable;

/**
 * A row of every cell: a strategy with its own router, or crossed with the other's.
 *
 * @param strategy that plans
 * @param crossed the router it serves with, or null for its own
 */
public record Contender(Strategy strategy, @Nullable RouterKind crossed) {
  /** Every strategy and variant; E2LLM with Splitwise's router, and the other way round. */
  public static List<Contender> all() {
    List<Contender> all = new ArrayList<>();
    for (Strategy strategy : Strategies.list()) {
      all.add(new Contender(strategy, null));
      if (strategy.fullName().equals("e2llm")) {
        all.add(new Contender(strategy, RouterKind.JSQ));
      } else if (strategy.fullName().equals("splitwise:capability")) {
        all.add(new Contender(strategy, RouterKind.ECT));
      }
    }
    return List.copyOf(all);
  }

  /** Whether it wants to know rate and SLO, since it simulates. */
  public boolean isAdaptive() {
    return strategy.name().equals("adaptive");
  }

  /** Whether each seed gives another plan, which is part of what is measured. */
  public boolean isDrawn() {
    return strategy.variant().startsWith("random");
  }

  /** Such as {@code splitwise:capability/ect}: the strategy, and the router if it is crossed. */
  String name() {
    return strategy.fullName()
        + (crossed == null ? "" : "/" + crossed.name().toLowerCase(Locale.ROOT));
  }
}

package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.InvalidRequestException;
import org.e2llm.planner.strategy.SplitwiseStrategy.Pools;

/** All strategies, in the order in which results list them. */
public final class Strategies {
  private static final List<Strategy> ALL = all();

  private Strategies() {}

  private static List<Strategy> all() {
    List<Strategy> all = new ArrayList<>();
    all.add(new E2llmStrategy());
    for (Pools pools : Pools.values()) {
      for (boolean mixedPool : new boolean[] {false, true}) {
        all.add(new SplitwiseStrategy(pools, mixedPool, false));
      }
    }
    for (boolean mixedPool : new boolean[] {false, true}) {
      all.add(new SplitwiseStrategy(Pools.CAPABILITY, mixedPool, true));
    }
    all.add(new SinglePipelineStrategy());
    all.add(new ReplicasStrategy());
    all.add(new AdaptiveStrategy(false));
    all.add(new AdaptiveStrategy(true));
    return List.copyOf(all);
  }

  /** Every strategy with every variant. */
  public static List<Strategy> list() {
    return ALL;
  }

  /**
   * By name, with or without variant: {@code splitwise} is its first one.
   *
   * @throws InvalidRequestException if there is none of it
   */
  public static Strategy get(String name) {
    List<String> names = new ArrayList<>();
    for (Strategy strategy : ALL) {
      if (strategy.fullName().equals(name)) {
        return strategy;
      }
      names.add(strategy.fullName());
    }
    for (Strategy strategy : ALL) {
      if (strategy.name().equals(name)) {
        return strategy;
      }
    }
    throw new InvalidRequestException("strategy " + name + " is not known; there are " + names);
  }
}

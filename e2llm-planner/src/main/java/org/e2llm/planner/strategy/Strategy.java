package org.e2llm.planner.strategy;

import java.util.List;
import org.e2llm.plan.Plan;

/**
 * A way to plan. Deterministic: the same question gives the same plans.
 *
 * <p>A strategy that judges by simulation belongs here too: it asks others for {@link #plans} and
 * simulates them.
 */
public interface Strategy {
  /** As results name it: {@code e2llm}, {@code splitwise}, … */
  String name();

  /** What tells it from others of its name; empty if there is one only. */
  default String variant() {
    return "";
  }

  /** Name and variant: {@code splitwise:tuned}. */
  default String fullName() {
    return variant().isEmpty() ? name() : name() + ":" + variant();
  }

  /**
   * Plans by its own measure, the best first.
   *
   * @param wanted how many different ones are wanted at most
   * @return empty if it can make none
   */
  List<Plan> plans(Question question, int wanted);
}

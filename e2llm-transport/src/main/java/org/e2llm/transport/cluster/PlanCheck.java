package org.e2llm.transport.cluster;

/** Reads what this package does not: whether a plan that came from another peer is sound. */
public interface PlanCheck {
  /**
   * @throws org.e2llm.E2llmException if the content is not a plan, or not the one that hash and
   *     chains say
   */
  void check(PublishedPlan plan);
}

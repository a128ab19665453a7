package org.e2llm.serving;

/**
 * Decides on which replicas a session runs.
 *
 * <p>With one replica there is nothing to choose: it does both phases. The serving loop asks all
 * the same, so that choosing among several (earliest expected completion, see the planner) changes
 * this class and nothing that asks it. A pure state machine; not thread-safe.
 */
public final class Router {
  /**
   * Replicas by number.
   *
   * @param prefill takes the prompt
   * @param decode generates
   */
  public record Route(int prefill, int decode) {}

  private static final Route ONLY = new Route(0, 0);

  /**
   * Where a session runs.
   *
   * @param promptTokens tokens to compute before the first sampled one
   * @param maxTokens the most tokens it may generate
   */
  public Route route(int promptTokens, int maxTokens) {
    return ONLY;
  }
}

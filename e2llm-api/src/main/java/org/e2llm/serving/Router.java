package org.e2llm.serving;

import java.util.function.IntPredicate;
import org.e2llm.plan.ServingPolicy;
import org.jspecify.annotations.Nullable;

/**
 * Decides on which replicas a session runs. Sees what is under way ({@link ReplicaLoads}) and what
 * a replica is expected to take for it ({@link ReplicaEstimates}); of a request it sees the prompt
 * and the output limit, never how long the output will be.
 *
 * <p>Implementations are deterministic and keep no state: what they decided comes back to them in
 * the loads. {@link Dispatcher} asks them.
 */
public interface Router {
  /**
   * Replicas by number.
   *
   * @param prefill takes the prompt
   * @param decode generates
   */
  record Route(int prefill, int decode) {}

  /**
   * A session whose DECODE replica is chosen again.
   *
   * @param route what was chosen before; its reservations are not in the loads
   * @param promptTokens of the session
   * @param maxTokens of the session
   * @param prefilled whether the prompt is done
   * @param sent share of the KV cache that the present DECODE replica has already
   * @param due seconds until its first token is late for the SLO in view; infinite if it never is
   */
  record Bound(
      Route route, int promptTokens, int maxTokens, boolean prefilled, double sent, double due) {}

  /**
   * Where a new session runs.
   *
   * @param promptTokens tokens to compute before the first sampled one
   * @param maxTokens the most tokens it may generate
   * @return null if no replica that is up can hold it
   */
  @Nullable Route route(int promptTokens, int maxTokens, ReplicaLoads loads);

  /**
   * Where a session that has its PREFILL replica decodes.
   *
   * @param room whether a replica can take the session now
   * @return a replica with room, or -1 to wait for room where it is bound now
   */
  int bind(Bound session, IntPredicate room, ReplicaLoads loads);

  /** The router that a plan asks for. */
  static Router of(ServingPolicy policy, ReplicaEstimates estimates) {
    return policy.router() == ServingPolicy.RouterKind.JSQ
        ? new ShortestQueue(policy, estimates)
        : new EarliestCompletion(policy, estimates);
  }
}

package org.e2llm.spi;

import java.util.function.Consumer;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterEvent;
import org.e2llm.cluster.Share;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOptions;
import org.jspecify.annotations.Nullable;

/** Joins clusters. Implemented by {@code e2llm-transport}. */
public interface TransportProvider {
  /**
   * How to join.
   *
   * @param engine of the model; stays the caller's, and must stay open until the link is closed
   * @param planner that makes plans where this device coordinates
   * @param profile of this device, its id left for the link to fill in; null if it shares nothing
   * @param options of plans, and what the app wishes of them
   * @param forced a plan that the app wants, or null
   * @param kvMemory bytes of KV cache that sessions may reserve on replicas that begin here
   * @param queueLimit requests that may wait there
   * @param onEvent called on a thread of the link; must be quick
   */
  record Joining(
      Cluster cluster,
      Share share,
      Engine engine,
      PlannerProvider planner,
      @Nullable DeviceProfile profile,
      PlanOptions options,
      @Nullable Plan forced,
      long kvMemory,
      int queueLimit,
      Consumer<ClusterEvent> onEvent) {}

  /**
   * Joins in the background and returns at once.
   *
   * @throws org.e2llm.cluster.ClusterException if it cannot listen, or has no identity
   */
  ClusterLink join(Joining joining);
}

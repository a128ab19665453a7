package org.e2llm.spi;

import org.e2llm.cluster.ClusterStatus;
import org.e2llm.plan.Plan;
import org.e2llm.serving.GenerationService;
import org.jspecify.annotations.Nullable;

/** This device as a member of a cluster. Thread-safe. */
public interface ClusterLink extends AutoCloseable {
  /** Where generations of this app are computed. */
  GenerationService sessions();

  ClusterStatus status();

  /** Forces a plan; null withdraws the one that was forced. */
  void force(@Nullable Plan plan);

  /** Takes this device out of plans, or back in. */
  void share(boolean active);

  /** Leaves the cluster; what runs here for others goes on there. */
  @Override
  void close();
}

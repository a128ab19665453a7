package org.e2llm.spi;

import org.e2llm.cluster.ClusterMember;
import org.e2llm.serving.GenerationService;

/** What a joined cluster is to the core. Thread-safe. */
public interface ClusterLink extends ClusterMember, AutoCloseable {
  /** Where generations of this app are computed. */
  GenerationService sessions();

  /** Leaves the cluster; what runs here for others goes on there. */
  @Override
  void close();
}

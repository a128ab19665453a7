package org.e2llm.cluster;

import org.e2llm.plan.Plan;
import org.jspecify.annotations.Nullable;

/** This device as a member of a cluster. Thread-safe; nothing blocks. */
public interface ClusterMember {
  /** Who is there, which plan is in force, what went over the links. */
  ClusterStatus status();

  /**
   * Wants this plan whenever all its devices are there, before any that the planner would make.
   * Device ids are those of {@link ClusterStatus#peers()}.
   *
   * @param plan null withdraws the one that was forced
   */
  void force(@Nullable Plan plan);

  /** Takes this device out of plans; its stages go to others. Does nothing if it shares nothing. */
  void pause();

  /** Takes part again. */
  void resume();
}

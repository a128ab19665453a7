package org.e2llm.cluster;

import org.e2llm.plan.Plan;
import org.jspecify.annotations.Nullable;

/** This device as a member of a cluster. Thread-safe; nothing blocks unless it says so. */
public interface ClusterMember {
  /** Who is there, which plan is in force, what went over the links. */
  ClusterStatus status();

  /**
   * What would be expected if this device shared so much, whatever it shares now: to be looked at
   * before it joins in. Blocks while a plan is made, and before that for about a second if the
   * device has not measured itself yet.
   *
   * @throws org.e2llm.InvalidRequestException for a share of nothing
   * @throws org.e2llm.InfeasiblePlanException if the model would still fit nowhere
   */
  ClusterStatus.Forecast forecast(Share share);

  /**
   * Wants this plan whenever all its devices are there, before any that the planner would make.
   * Device ids are those of {@link ClusterStatus#peers()}.
   *
   * @param plan null withdraws the one that was forced
   */
  void force(@Nullable Plan plan);

  /** What this device shares, which can be taken back for a while. */
  OwnShare share();

  /** What a device shares with its cluster. Thread-safe; nothing blocks. */
  interface OwnShare {
    /**
     * Takes this device out of plans; its stages go to others. Does nothing if it shares nothing.
     */
    void pause();

    /** Takes part again. */
    void resume();
  }
}

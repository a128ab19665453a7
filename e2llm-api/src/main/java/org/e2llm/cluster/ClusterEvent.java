package org.e2llm.cluster;

import org.e2llm.plan.Plan;

/** What happens in a cluster, as this device sees it. Listeners are called one event at a time. */
public sealed interface ClusterEvent {
  /** A sentence for people. */
  String text();

  /** A peer is there. */
  record Joined(String peer, String name) implements ClusterEvent {
    @Override
    public String text() {
      return "joined: " + name + " (" + peer + ")";
    }
  }

  /** A peer is there no more. */
  record Left(String peer, String name, String why) implements ClusterEvent {
    @Override
    public String text() {
      return why + ": " + name + " (" + peer + ")";
    }
  }

  /** A plan is in force; it serves new sessions once it is ready. */
  record Planned(Plan plan) implements ClusterEvent {
    @Override
    public String text() {
      return "plan " + plan.order().counter() + ": " + plan.placements();
    }
  }

  /** All devices of the plan in force serve their stages. */
  record Ready(Plan plan) implements ClusterEvent {
    @Override
    public String text() {
      return "plan " + plan.order().counter() + " serves";
    }
  }

  /** Nothing that is there can serve the model. */
  record Impossible(String why) implements ClusterEvent {
    @Override
    public String text() {
      return "no plan is possible: " + why;
    }
  }

  /** Something needs somebody; said once per fact. */
  record Problem(String text) implements ClusterEvent {}
}

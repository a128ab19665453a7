package org.e2llm.cluster;

import java.util.StringJoiner;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;

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
      StringJoiner replicas = new StringJoiner("; ");
      for (ReplicaPlan replica : plan.replicas()) {
        StringJoiner stages = new StringJoiner(", ");
        for (StagePlan stage : replica.stages()) {
          LayerRange layers = stage.layers();
          stages.add("layers " + layers.from() + "-" + (layers.to() - 1) + " on " + stage.device());
        }
        replicas.add(replica.role() + " " + stages);
      }
      return "plan " + plan.order().counter() + ": " + replicas;
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

  /**
   * A peer was not let in, or did not let this device in: another model, another setting, another
   * secret. Said once per peer and cause.
   *
   * @param peer its id, or its address where it has not said who it is
   */
  record Refused(String peer, ClusterException why) implements ClusterEvent {
    @Override
    public String text() {
      return "not joined with " + peer + ": " + why.getMessage();
    }
  }

  /**
   * How far this device is with the bytes that it takes from peers; some times a second while
   * something comes.
   *
   * @param doneBytes of what its stages need, here and verified
   * @param totalBytes of what its stages need
   * @param standbyDoneBytes likewise of what it keeps for the case that another device is lost
   * @param standbyTotalBytes likewise
   */
  record SliceProgress(
      long doneBytes, long totalBytes, long standbyDoneBytes, long standbyTotalBytes)
      implements ClusterEvent {
    @Override
    public String text() {
      return "fetched "
          + doneBytes
          + " of "
          + totalBytes
          + " bytes of its layers, "
          + standbyDoneBytes
          + " of "
          + standbyTotalBytes
          + " bytes of standby";
    }
  }

  /**
   * The model's file is read once, to know it by its hashes; until then other devices do not
   * compute with this one. Told of files that take a while.
   *
   * @param doneBytes of {@code totalBytes}
   */
  record Hashing(long doneBytes, long totalBytes) implements ClusterEvent {
    @Override
    public String text() {
      return "hashed " + doneBytes + " of " + totalBytes + " bytes of the model's file";
    }
  }

  /** Something needs somebody; said once per fact. */
  record Problem(String text) implements ClusterEvent {}
}

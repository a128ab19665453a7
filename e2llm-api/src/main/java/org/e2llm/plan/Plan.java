package org.e2llm.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.e2llm.InvalidRequestException;
import org.e2llm.pipeline.Role;

/**
 * Who hosts which layers in which role, and why. Sound in itself: whether it fits the memory of its
 * devices is for the planner to check, which knows them.
 *
 * @param order which of two plans is in force
 * @param model what it is for
 * @param strategy that made it, such as {@code adaptive}; {@code own} if the app did
 * @param wire formats on the network
 * @param policy how requests are served on it
 * @param replicas at least one; some replica takes prompts and some replica generates
 * @param placements one for every device the planner knew, used or not, in the planner's order
 */
public record Plan(
    PlanOrder order,
    PlannedFor model,
    String strategy,
    WireFormats wire,
    ServingPolicy policy,
    List<ReplicaPlan> replicas,
    List<Placement> placements) {
  public Plan {
    replicas = List.copyOf(replicas);
    placements = List.copyOf(placements);
    Check.notBlank("plan", "strategy", strategy);
    checkLayers(model, replicas);
    checkRoles(replicas);
    checkPlacements(stagesByDevice(replicas), placements);
  }

  /**
   * A plan of the app's own: one replica for prompts and answers, nothing rounded on the network.
   *
   * @param stages in the order of the layers, from layer 0 to the last
   * @param kvTokens the most tokens that all of them are to cache at the same time; a cluster takes
   *     less where a device offers less
   */
  public static Plan own(PlannedFor model, List<StagePlan> stages, long kvTokens) {
    Set<String> devices = new LinkedHashSet<>(); // one may have both ends
    stages.forEach(stage -> devices.add(stage.device()));
    List<Placement> placements = new ArrayList<>();
    for (String device : devices) {
      placements.add(new Placement(device, true, "The app says so."));
    }
    return new Plan(
        PlanOrder.NONE,
        model,
        "own",
        WireFormats.lossless(model.kvType()),
        ServingPolicy.ROLES,
        List.of(
            new ReplicaPlan(Role.MIXED, stages, kvTokens, new ReplicaPlan.Expected(0, 0, 0, 0))),
        placements);
  }

  private static void checkLayers(PlannedFor model, List<ReplicaPlan> replicas) {
    for (ReplicaPlan replica : replicas) {
      if (replica.layerCount() != model.layerCount()) {
        throw new InvalidRequestException(
            "the replica that begins on "
                + replica.stages().get(0).device()
                + " ends after layer "
                + (replica.layerCount() - 1)
                + ", but "
                + model.name()
                + " has "
                + model.layerCount()
                + " layers: every replica holds the whole model");
      }
    }
  }

  private static void checkRoles(List<ReplicaPlan> replicas) {
    Set<Role> roles = new HashSet<>();
    for (ReplicaPlan replica : replicas) {
      roles.add(replica.role());
    }
    if (!roles.contains(Role.MIXED)
        && !(roles.contains(Role.PREFILL) && roles.contains(Role.DECODE))) {
      throw new InvalidRequestException(
          "the replicas have the roles "
              + roles
              + ", expected is a MIXED one, or a PREFILL and a DECODE one");
    }
  }

  private static Map<String, StagePlan> stagesByDevice(List<ReplicaPlan> replicas) {
    Map<String, StagePlan> stages = new HashMap<>();
    for (ReplicaPlan replica : replicas) {
      for (StagePlan stage : replica.stages()) {
        StagePlan other = stages.put(stage.device(), stage);
        if (other != null && !isBothEnds(replica, stage, other)) {
          throw new InvalidRequestException(
              "device "
                  + stage.device()
                  + " has two stages, layers "
                  + other.layers()
                  + " and "
                  + stage.layers()
                  + ": a device hosts one stage, or the first and the last one of a replica");
        }
      }
    }
    return stages;
  }

  /** A device may keep both ends to itself while others compute what is between them. */
  private static boolean isBothEnds(ReplicaPlan replica, StagePlan last, StagePlan first) {
    int stages = replica.stages().size();
    return stages > 2
        && replica.stages().get(0) == first
        && replica.stages().get(stages - 1) == last;
  }

  private static void checkPlacements(Map<String, StagePlan> stages, List<Placement> placements) {
    Set<String> seen = new HashSet<>();
    for (Placement placement : placements) {
      String device = placement.device();
      if (!seen.add(device)) {
        throw new InvalidRequestException("device " + device + " has two placements");
      }
      if (placement.placed() != stages.containsKey(device)) {
        throw new InvalidRequestException(
            "device "
                + device
                + (placement.placed()
                    ? " is placed but has no stage"
                    : " has a stage but no place"));
      }
    }
    for (String device : stages.keySet()) {
      if (!seen.contains(device)) {
        throw new InvalidRequestException(
            "device " + device + " has a stage but no placement that says why");
      }
    }
  }

  /** The same plan, taken by a cluster. */
  public Plan withOrder(PlanOrder newOrder) {
    return new Plan(newOrder, model, strategy, wire, policy, replicas, placements);
  }

  /** The same plan on other replicas, or with other words for why. */
  public Plan with(List<ReplicaPlan> newReplicas, List<Placement> newPlacements) {
    return new Plan(order, model, strategy, wire, policy, newReplicas, newPlacements);
  }

  /** The same plan, served differently. */
  public Plan withPolicy(ServingPolicy newPolicy) {
    return new Plan(order, model, strategy, wire, newPolicy, replicas, placements);
  }
}

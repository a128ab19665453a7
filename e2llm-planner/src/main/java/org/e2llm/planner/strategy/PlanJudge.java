package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Network;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.e2llm.planner.cost.ByteSize;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.grouping.Demand;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.grouping.ReplicaEstimate;
import org.e2llm.planner.grouping.ReplicaEstimator;

/**
 * Checks a plan that somebody handed in against devices, network and wishes, and fills in what is
 * to be expected of it, by the same formulas that searches use.
 */
public final class PlanJudge {
  private final CostModel cost;
  private final Network network;
  private final Demand demand;
  private final PlanOptions options;
  private final ReplicaEstimator estimator;

  public PlanJudge(CostModel cost, Network network, Demand demand, PlanOptions options) {
    this.cost = cost;
    this.network = network;
    this.demand = demand;
    this.options = options;
    this.estimator = new ReplicaEstimator(cost, network, demand);
  }

  /**
   * The plan with expectations, free memory and placements of these devices.
   *
   * @throws InvalidRequestException if it is for another model, or names devices or layers against
   *     the app's wishes
   * @throws InfeasiblePlanException if a stage does not fit its device, or devices that must
   *     exchange something do not reach each other
   */
  public Plan judge(Plan plan) {
    PlannedModel model = cost.model();
    if (plan.model().layerCount() != model.layerCount()) {
      throw new InvalidRequestException(
          "the plan is for "
              + plan.model().name()
              + " with "
              + plan.model().layerCount()
              + " layers, but "
              + model.spec().name()
              + " has "
              + model.layerCount());
    }
    List<Member> members = new ArrayList<>();
    List<ReplicaPlan> replicas = new ArrayList<>();
    for (ReplicaPlan replica : plan.replicas()) {
      Member member = member(replica);
      members.add(member);
      replicas.add(PlanMaker.replica(network, demand, member));
    }
    checkPins(plan);
    checkEnds(plan);
    checkHandoffs(members);
    checkFma(members);
    return plan.with(replicas, placements(plan));
  }

  private Member member(ReplicaPlan replica) {
    int[] devices = new int[replica.stages().size()];
    List<LayerRange> layers = new ArrayList<>();
    for (int i = 0; i < devices.length; i++) {
      StagePlan stage = replica.stages().get(i);
      devices[i] = network.number(stage.device());
      layers.add(stage.layers());
      if (options.excluded().contains(stage.device())) {
        throw new InvalidRequestException(
            "the plan uses device " + stage.device() + ", which is excluded");
      }
      if (i > 0 && !network.connected(devices[i - 1], devices[i])) {
        throw unreachable(devices[i - 1], devices[i], "hidden states");
      }
    }
    for (int i = 0; i < devices.length; i++) {
      checkMemory(replica.stages().get(i), estimator.memoryBytes(devices, layers, i));
    }
    ReplicaEstimate estimate = estimator.estimate(devices, layers, replica.role());
    return new Member(devices, layers, replica.role(), estimate, estimate.rate(replica.role()));
  }

  private void checkMemory(StagePlan stage, long offered) {
    LayerRange layers = stage.layers();
    long needed = cost.memoryBytes(layers, demand.largest());
    if (needed > offered) {
      throw new InfeasiblePlanException(
          String.format(
              Locale.ROOT,
              "device %s offers %s, but layers %s need %s with the KV cache of the largest"
                  + " request (%d tokens): %s are missing. Give it fewer layers, or let it offer"
                  + " more",
              stage.device(),
              ByteSize.text(offered),
              layers,
              ByteSize.text(needed),
              demand.largest(),
              ByteSize.text(needed - offered)),
          needed - offered);
    }
  }

  private InfeasiblePlanException unreachable(int a, int b, String what) {
    return new InfeasiblePlanException(
        "the plan sends "
            + what
            + " from "
            + network.device(a).id()
            + " to "
            + network.device(b).id()
            + ", which do not reach each other: connect them, or put them into replicas that"
            + " exchange nothing",
        0);
  }

  private void checkPins(Plan plan) {
    Map<String, LayerRange> planned = new HashMap<>();
    for (ReplicaPlan replica : plan.replicas()) {
      for (StagePlan stage : replica.stages()) {
        planned.put(stage.device(), stage.layers());
      }
    }
    options
        .pins()
        .forEach(
            (device, layers) -> {
              if (!layers.equals(planned.get(device))) {
                throw new InvalidRequestException(
                    "device "
                        + device
                        + " is pinned to layers "
                        + layers
                        + ", but the plan gives it "
                        + (planned.containsKey(device) ? planned.get(device) : "none"));
              }
            });
  }

  private void checkEnds(Plan plan) {
    options
        .ends()
        .forEach(
            (device, ends) -> {
              if (!plan.replicas().stream().allMatch(replica -> ends.areKept(replica, device))) {
                throw new InvalidRequestException(
                    "device "
                        + device
                        + " keeps "
                        + ends.first()
                        + " layers at the beginning and "
                        + ends.last()
                        + " at the end, but the plan gives them to others");
              }
            });
  }

  /** The KV cache goes from every prefill owner to every decode owner of the same layers. */
  private void checkHandoffs(List<Member> members) {
    for (Member prefill : members) {
      for (Member decode : members) {
        if (prefill.role() == Role.PREFILL && decode.role() == Role.DECODE) {
          checkHandoff(prefill, decode);
        }
      }
    }
  }

  private void checkHandoff(Member prefill, Member decode) {
    for (int p = 0; p < prefill.devices().length; p++) {
      for (int d = 0; d < decode.devices().length; d++) {
        LayerRange from = prefill.layers().get(p);
        LayerRange to = decode.layers().get(d);
        boolean share = from.from() < to.to() && to.from() < from.to();
        if (share && !network.connected(prefill.devices()[p], decode.devices()[d])) {
          throw unreachable(prefill.devices()[p], decode.devices()[d], "KV cache");
        }
      }
    }
  }

  private void checkFma(List<Member> members) {
    boolean fma = network.device(members.get(0).devices()[0]).fma();
    for (Member member : members) {
      for (int device : member.devices()) {
        if (network.device(device).fma() != fma && !options.mixFma()) {
          throw new InvalidRequestException(
              "the plan uses devices with and without fused multiply-add ("
                  + network.device(device).id()
                  + " differs from "
                  + network.device(members.get(0).devices()[0]).id()
                  + "): results would depend on who computes them. Leave one kind out, or allow"
                  + " mixFma");
        }
      }
    }
  }

  private List<Placement> placements(Plan plan) {
    Map<String, Placement> given = new HashMap<>();
    for (Placement placement : plan.placements()) {
      given.put(placement.device(), placement);
    }
    List<Placement> placements = new ArrayList<>();
    for (DeviceProfile device : network.devices()) {
      Placement placement = given.get(device.id());
      if (placement == null) {
        boolean excluded = options.excluded().contains(device.id());
        String reason = excluded ? "Excluded by the app." : "The plan does not mention it.";
        placement = new Placement(device.id(), false, reason);
      }
      placements.add(placement);
    }
    return placements;
  }
}

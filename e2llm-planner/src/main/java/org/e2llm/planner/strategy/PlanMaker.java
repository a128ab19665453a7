package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Network;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.StagePlan;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.Demand;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.grouping.ReplicaEstimate;
import org.e2llm.planner.grouping.Roles;
import org.jspecify.annotations.Nullable;

/** Turns what a search has arranged into a plan, with a reason for every device of the fleet. */
final class PlanMaker {
  private final Question question;
  private final String strategy;
  private final ServingPolicy policy;
  private final @Nullable Roles roles;

  /**
   * Makes plans of one strategy.
   *
   * @param policy as the strategy serves, unless the options ask for another router
   * @param roles what the search judged by, to say why a device was left out; null where nothing
   *     was searched
   */
  PlanMaker(Question question, String strategy, ServingPolicy policy, @Nullable Roles roles) {
    this.question = question;
    this.strategy = strategy;
    this.policy = question.withRouter(policy);
    this.roles = roles;
  }

  Plan make(Arrangement arrangement) {
    List<Member> members = new ArrayList<>(arrangement.members());
    members.sort(
        Comparator.comparing(Member::role)
            .thenComparing(Comparator.comparingDouble((Member member) -> -member.rate()))
            .thenComparing(member -> member.devices()[0]));
    List<ReplicaPlan> replicas = new ArrayList<>();
    for (Member member : members) {
      replicas.add(replica(question.space().network(), question.space().demand(), member));
    }
    return new Plan(
        PlanOrder.NONE,
        question.model(),
        strategy,
        question.space().cost().wire(),
        policy,
        replicas,
        placements(arrangement, members));
  }

  /** Only what a simulation needs: no reasons. */
  static Plan bare(Question question, Candidate candidate) {
    List<ReplicaPlan> replicas = new ArrayList<>();
    List<Placement> placements = new ArrayList<>();
    for (Member member : candidate.members()) {
      replicas.add(replica(question.space().network(), question.space().demand(), member));
      for (int device : member.devices()) {
        String id = question.space().network().device(device).id();
        placements.add(new Placement(id, true, "on trial"));
      }
    }
    return new Plan(
        PlanOrder.NONE,
        question.model(),
        candidate.origin(),
        question.space().cost().wire(),
        candidate.policy(),
        replicas,
        placements);
  }

  /** A replica with its layers by device id, and what is expected of it. */
  static ReplicaPlan replica(Network network, Demand demand, Member member) {
    List<StagePlan> stages = new ArrayList<>();
    for (int i = 0; i < member.devices().length; i++) {
      stages.add(new StagePlan(network.device(member.devices()[i]).id(), member.layers().get(i)));
    }
    ReplicaEstimate estimate = member.estimate();
    double requests = estimate.rate(member.role());
    double tokens = requests * (member.role() == Role.PREFILL ? demand.prompt() : demand.output());
    return new ReplicaPlan(
        member.role(),
        stages,
        estimate.kvTokens(),
        new ReplicaPlan.Expected(estimate.ttftSeconds(), estimate.tpotSeconds(), requests, tokens));
  }

  private List<Placement> placements(Arrangement arrangement, List<Member> members) {
    Network network = question.space().network();
    Reasons reasons = new Reasons(question, arrangement, members, roles);
    TreeMap<Integer, Placement> byNumber = new TreeMap<>();
    for (int r = 0; r < members.size(); r++) {
      for (int stage = 0; stage < members.get(r).devices().length; stage++) {
        int device = members.get(r).devices()[stage];
        byNumber.put(
            device, new Placement(network.device(device).id(), true, reasons.placed(r, stage)));
      }
    }
    for (int device = 0; device < network.size(); device++) {
      if (!byNumber.containsKey(device)) {
        byNumber.put(
            device, new Placement(network.device(device).id(), false, reasons.leftOut(device)));
      }
    }
    return List.copyOf(byNumber.values());
  }
}

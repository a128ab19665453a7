package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.grouping.MixedRoles;
import org.e2llm.planner.grouping.Seeds;
import org.e2llm.planner.strategy.SplitwiseStrategy.Pools;
import org.jspecify.annotations.Nullable;

/**
 * The plans of the strategies that do not simulate, served as these serve them: {@code adaptive}
 * must not be worse than any. E2LLM's is also served with Splitwise's router, and the other way
 * round.
 */
final class Rivals {
  private final Question question;
  private final List<Candidate> all = new ArrayList<>();

  private Rivals(Question question) {
    this.question = question;
  }

  /**
   * All of them, each with a plan of its own.
   *
   * @param e2llm the best arrangement of its search, or null if that found none
   * @param replicas the same without roles
   */
  static List<Candidate> of(
      Question question, @Nullable Arrangement e2llm, @Nullable Arrangement replicas) {
    Rivals rivals = new Rivals(question);
    rivals.add(e2llm, ServingPolicy.ROLES, "e2llm");
    rivals.add(e2llm, ServingPolicy.ROLES.withRouter(RouterKind.JSQ), "e2llm");
    rivals.add(replicas, ServingPolicy.ROLES, "replicas");
    Arrangement chain = SinglePipelineStrategy.arranged(question, new MixedRoles());
    rivals.add(chain, ServingPolicy.ROLES, "single-pipeline");
    List<int[]> machines = Seeds.machines(question.space());
    for (Pools pools : Pools.values()) {
      rivals.splitwise(pools, machines);
    }
    if (e2llm != null) {
      List<int[]> groups = new ArrayList<>();
      for (Member member : e2llm.members()) {
        groups.add(member.devices());
      }
      rivals.splitwise(Pools.CAPABILITY, groups);
    }
    return rivals.all;
  }

  private void splitwise(Pools pools, List<int[]> machines) {
    Arrangement arranged = SplitwiseStrategy.arranged(question, pools, machines);
    add(arranged, SplitwiseStrategy.policy(false), "splitwise");
    add(arranged, SplitwiseStrategy.policy(true), "splitwise");
    add(arranged, SplitwiseStrategy.policy(false).withRouter(RouterKind.ECT), "splitwise");
  }

  private void add(@Nullable Arrangement arrangement, ServingPolicy policy, String origin) {
    if (arrangement != null && arrangement.isFeasible()) {
      all.add(new Candidate(arrangement, question.withRouter(policy), origin));
    }
  }
}

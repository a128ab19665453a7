package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.GivenRoles;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.grouping.SearchSpace;
import org.jspecify.annotations.Nullable;

/**
 * Steps from one candidate to others near it: another policy, another role for a replica, a replica
 * less, a device less in a replica.
 */
final class Moves {
  private Moves() {}

  /** All single steps, those first that cost least to believe in. */
  static List<Candidate> from(Question question, Candidate at) {
    List<Candidate> moves = new ArrayList<>();
    for (ServingPolicy policy : policies(question, at.policy())) {
      moves.add(at.withPolicy(policy));
    }
    List<Member> members = at.members();
    for (int m = 0; m < members.size(); m++) {
      for (Role role : Role.values()) {
        if (role != members.get(m).role()) {
          add(moves, question, at, m, members.get(m).devices(), role);
        }
      }
    }
    for (int m = members.size() - 1; m >= 0 && members.size() > 1; m--) {
      add(moves, question, at, m, new int[0], members.get(m).role());
    }
    for (int m = 0; m < members.size(); m++) {
      int[] devices = members.get(m).devices();
      for (int i = 0; i < devices.length && devices.length > 1; i++) {
        add(moves, question, at, m, without(devices, i), members.get(m).role());
      }
    }
    return moves;
  }

  private static List<ServingPolicy> policies(Question question, ServingPolicy now) {
    List<ServingPolicy> policies = new ArrayList<>();
    RouterKind router = question.options().router();
    for (int chunk : new int[] {256, 512, 1024}) {
      for (boolean free : new boolean[] {true, false}) {
        ServingPolicy policy =
            new ServingPolicy(
                router == null ? RouterKind.ECT : router, free, free, free, false, chunk);
        if (!policy.equals(now) && (chunk == now.chunkTokens() || free == now.roleSpill())) {
          policies.add(policy);
        }
      }
    }
    return policies;
  }

  /** Exchanges a replica; without devices it goes. */
  private static void add(
      List<Candidate> moves, Question question, Candidate at, int m, int[] devices, Role role) {
    SearchSpace space = question.space();
    List<Member> members = new ArrayList<>(at.members());
    if (devices.length == 0) {
      members.remove(m);
    } else {
      @Nullable Member changed = GivenRoles.member(space, devices, role);
      if (changed == null) {
        return;
      }
      members.set(m, changed);
    }
    Arrangement arrangement = GivenRoles.arrange(space, members);
    if (arrangement.isFeasible()) {
      moves.add(new Candidate(arrangement, at.policy(), at.origin()));
    }
  }

  private static int[] without(int[] devices, int at) {
    int[] rest = new int[devices.length - 1];
    System.arraycopy(devices, 0, rest, 0, at);
    System.arraycopy(devices, at + 1, rest, at, rest.length - at);
    return rest;
  }
}

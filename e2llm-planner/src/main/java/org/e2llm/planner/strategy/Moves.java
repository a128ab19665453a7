package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.GivenRoles;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.grouping.SearchSpace;

/**
 * Steps from one candidate to others near it: another policy; with an SLO in view another view of
 * it, and roles by who keeps its TPOT; then, in random order, another role for a replica, a replica
 * less, a device that leaves, joins or changes its replica, two replicas in one. Every replica that
 * changes is cut anew.
 */
final class Moves {
  private static final List<Slo> NO_VIEW = List.of(Slo.NONE);

  private final Question question;
  private final SearchSpace space;
  private final TpotRoles tpotRoles;
  private final SplittableRandom random;

  Moves(Question question, SplittableRandom random) {
    this.question = question;
    this.space = question.space();
    this.tpotRoles = new TpotRoles(question);
    this.random = random;
  }

  /** All single steps. */
  List<Candidate> from(Candidate at) {
    List<Candidate> moves = new ArrayList<>();
    roles(moves, at);
    devices(moves, at);
    mergers(moves, at);
    shuffle(moves);
    List<Candidate> all = new ArrayList<>();
    boolean inView = !at.policy().slo().equals(Slo.NONE);
    for (ServingPolicy policy : policies(at.policy(), inView ? question.views() : NO_VIEW)) {
      all.add(at.withPolicy(policy));
    }
    all.addAll(inView ? tpotRoles.of(at) : List.of());
    all.addAll(moves);
    return all;
  }

  private List<ServingPolicy> policies(ServingPolicy now, List<Slo> views) {
    List<ServingPolicy> policies = new ArrayList<>();
    for (Slo view : views) {
      policies.add(now.withSlo(view));
      for (ServingPolicy base : List.of(ServingPolicy.ROLES, Candidates.FREE, Candidates.HELPFUL)) {
        policies.add(question.withRouter(base).withSlo(view));
      }
    }
    for (int chunk : new int[] {256, 1024}) {
      policies.add(now.withChunkTokens(chunk));
    }
    policies.removeIf(now::equals);
    return policies;
  }

  private void roles(List<Candidate> moves, Candidate at) {
    List<Member> members = at.members();
    for (int m = 0; m < members.size(); m++) {
      for (Role role : Role.values()) {
        if (role != members.get(m).role()) {
          add(moves, at, new Change(m, members.get(m).devices(), role));
        }
      }
      if (members.size() > 1) {
        add(moves, at, new Change(m, new int[0], members.get(m).role()));
      }
    }
  }

  /** Devices leave, change their replica, or join one if they are free. */
  private void devices(List<Candidate> moves, Candidate at) {
    List<Member> members = at.members();
    boolean[] used = new boolean[space.network().size()];
    for (int from = 0; from < members.size(); from++) {
      Member member = members.get(from);
      for (int device : member.devices()) {
        used[device] = true;
        Change leaves = new Change(from, without(member.devices(), device), member.role());
        if (leaves.devices().length > 0) {
          add(moves, at, leaves);
        }
        for (int to = 0; to < members.size(); to++) {
          if (to != from) {
            add(moves, at, leaves, joins(members, to, device));
          }
        }
      }
    }
    for (int device : space.devices()) {
      for (int to = 0; to < members.size() && !used[device]; to++) {
        add(moves, at, joins(members, to, device));
      }
    }
  }

  private Change joins(List<Member> members, int to, int device) {
    return new Change(
        to, space.inserted(members.get(to).devices(), device), members.get(to).role());
  }

  private void mergers(List<Candidate> moves, Candidate at) {
    List<Member> members = at.members();
    for (int a = 0; a < members.size(); a++) {
      for (int b = a + 1; b < members.size(); b++) {
        int[] both = members.get(a).devices();
        for (int device : members.get(b).devices()) {
          both = space.inserted(both, device);
        }
        add(moves, at, new Change(a, both, Role.MIXED), new Change(b, new int[0], Role.MIXED));
      }
    }
  }

  /**
   * What becomes of a replica.
   *
   * @param member its number
   * @param devices in order; none if it goes
   */
  private record Change(int member, int[] devices, Role role) {}

  private void add(List<Candidate> moves, Candidate at, Change... changes) {
    List<Member> members = new ArrayList<>();
    for (int m = 0; m < at.members().size(); m++) {
      Member member = at.members().get(m);
      for (Change change : changes) {
        if (change.member() == m) {
          member =
              change.devices().length == 0
                  ? null
                  : GivenRoles.member(space, change.devices(), change.role());
          if (member == null && change.devices().length > 0) {
            return;
          }
        }
      }
      if (member != null) {
        members.add(member);
      }
    }
    Arrangement arrangement = GivenRoles.arrange(space, members);
    if (arrangement.isFeasible()) {
      moves.add(new Candidate(arrangement, at.policy(), at.origin()));
    }
  }

  private void shuffle(List<Candidate> moves) {
    for (int i = moves.size() - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      Candidate move = moves.get(i);
      moves.set(i, moves.get(j));
      moves.set(j, move);
    }
  }

  private static int[] without(int[] devices, int device) {
    int[] rest = new int[devices.length - 1];
    int next = 0;
    for (int each : devices) {
      if (each != device) {
        rest[next++] = each;
      }
    }
    return rest;
  }
}

package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.GivenRoles;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.grouping.SearchSpace;

/**
 * Roles by who keeps the TPOT of an SLO: these replicas do both phases; of the others some compute
 * prompts for them, the quickest first, and the rest do both, for whoever is late in any case.
 *
 * <p>Steps that change one role at a time seldom come there: the first replica that computes
 * prompts for others gains nothing as long as their answers may still go anywhere.
 */
final class TpotRoles {
  /** As many replicas at most compute prompts for others. */
  private static final int MOST_FOR_PROMPTS = 4;

  private final Question question;
  private final SearchSpace space;
  private final SearchSpace inTime;

  TpotRoles(Question question) {
    this.question = question;
    space = question.space();
    inTime = space.keeping(new Slo(Double.POSITIVE_INFINITY, question.slo().tpotSeconds()));
  }

  /** The replicas of a candidate in such roles, with each view of the SLO. */
  List<Candidate> of(Candidate candidate) {
    List<Member> keepers = new ArrayList<>();
    List<Member> others = new ArrayList<>();
    for (Member member : candidate.members()) {
      Member keeper = GivenRoles.member(inTime, member.devices(), Role.MIXED);
      if (keeper != null) {
        keepers.add(keeper);
      } else {
        others.add(member);
      }
    }
    List<Candidate> found = new ArrayList<>();
    if (keepers.isEmpty()) {
      return found;
    }
    others.sort(Comparator.comparingDouble(member -> -promptRate(member)));
    int most = Math.min(MOST_FOR_PROMPTS, others.size());
    for (int forPrompts = 0; forPrompts <= most; forPrompts++) {
      List<Member> members = new ArrayList<>(keepers);
      addAs(Role.PREFILL, others.subList(0, forPrompts), members);
      addAs(Role.MIXED, others.subList(forPrompts, others.size()), members);
      Arrangement arrangement = GivenRoles.arrange(space, members);
      for (Slo view : arrangement.isFeasible() ? question.views() : List.<Slo>of()) {
        ServingPolicy policy = question.withRouter(ServingPolicy.ROLES).withSlo(view);
        found.add(new Candidate(arrangement, policy, candidate.origin()));
      }
    }
    return found;
  }

  private double promptRate(Member member) {
    Member prompts = GivenRoles.member(space, member.devices(), Role.PREFILL);
    return prompts == null ? 0 : prompts.rate();
  }

  private void addAs(Role role, List<Member> some, List<Member> members) {
    for (Member member : some) {
      Member other = GivenRoles.member(space, member.devices(), role);
      if (other != null) {
        members.add(other);
      }
    }
  }
}

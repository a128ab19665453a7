package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.grouping.SearchSpace;

/**
 * Replicas and how they are served: what {@code adaptive} judges as one thing.
 *
 * @param arrangement replicas with their roles
 * @param policy of the run time
 * @param origin the search or move it comes from
 */
record Candidate(Arrangement arrangement, ServingPolicy policy, String origin) {
  List<Member> members() {
    return arrangement.members();
  }

  Candidate withPolicy(ServingPolicy newPolicy) {
    return new Candidate(arrangement, newPolicy, origin);
  }

  /** Equal for candidates that behave the same: devices by kind, replicas in any order. */
  String key(SearchSpace space) {
    List<String> replicas = new ArrayList<>();
    for (Member member : members()) {
      StringBuilder replica = new StringBuilder(member.role().name());
      for (int i = 0; i < member.devices().length; i++) {
        replica.append(' ').append(space.kind(member.devices()[i]));
        replica.append(':').append(member.layers().get(i).size());
      }
      replicas.add(replica.toString());
    }
    Collections.sort(replicas);
    return policy + " " + replicas;
  }

  /** The first of those that behave the same. */
  static List<Candidate> distinct(List<Candidate> candidates, SearchSpace space) {
    Set<String> keys = new HashSet<>();
    List<Candidate> distinct = new ArrayList<>(candidates);
    distinct.removeIf(candidate -> !keys.add(candidate.key(space)));
    return distinct;
  }
}

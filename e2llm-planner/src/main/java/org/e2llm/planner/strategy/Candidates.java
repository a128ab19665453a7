package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.GeneticSearch;
import org.e2llm.planner.grouping.GivenRoles;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.grouping.MixedRoles;
import org.e2llm.planner.grouping.Roles;
import org.e2llm.planner.grouping.SearchSpace;
import org.e2llm.planner.grouping.Seeds;
import org.e2llm.planner.grouping.SplitRoles;
import org.jspecify.annotations.Nullable;

/**
 * What {@code adaptive} begins with: the best few groupings of the searches with roles and without,
 * each also with the other's roles, the machines of Splitwise, one chain of all, and single
 * devices.
 */
final class Candidates {
  /** How many arrangements of each search are tried. */
  private static final int PER_SEARCH = 5;

  /** Roles are where work is cheapest, not a wall: see {@link ServingPolicy}. */
  static final ServingPolicy FREE = new ServingPolicy(RouterKind.ECT, true, true, true, false, 512);

  /** Splitwise's: queues by length, and whoever overflows is helped. */
  static final ServingPolicy HELPFUL =
      new ServingPolicy(RouterKind.JSQ, false, false, false, true, 2048);

  /** Roles as planned, queues by length. */
  static final ServingPolicy SHORTEST = ServingPolicy.ROLES.withRouter(RouterKind.JSQ);

  private final Question question;
  private final SearchSpace space;
  private final List<Candidate> all = new ArrayList<>();
  private final List<Candidate> guards = new ArrayList<>();
  private @Nullable Arrangement e2llm;
  private @Nullable Arrangement replicas;
  private final Set<String> keys = new HashSet<>();

  private Candidates(Question question) {
    this.question = question;
    this.space = question.space();
  }

  static Candidates of(Question question) {
    Candidates candidates = new Candidates(question);
    candidates.collect();
    return candidates;
  }

  /** All of them, no two alike. */
  List<Candidate> all() {
    return all;
  }

  /**
   * The best of the searches as these serve them, and the best device: they take part to the end.
   */
  List<Candidate> guards() {
    return guards;
  }

  /** What the other strategies would plan. */
  List<Candidate> rivals() {
    return Rivals.of(question, e2llm, replicas);
  }

  private void collect() {
    for (Arrangement found : search(new SplitRoles())) {
      both(found, "e2llm", e2llm == null);
      free(mixed(found), "e2llm's groups without roles");
      e2llm = e2llm == null ? found : e2llm;
    }
    for (Arrangement found : search(new MixedRoles())) {
      both(found, "replicas", replicas == null);
      free(new SplitRoles().assign(space, groups(found)), "groups of replicas with roles");
      replicas = replicas == null ? found : replicas;
    }
    List<int[]> machines = Seeds.machines(space);
    free(new MixedRoles().assign(space, machines), "machines without roles");
    free(new SplitRoles().assign(space, machines), "machines with roles");
    free(new MixedRoles().assign(space, List.<int[]>of(space.devices())), "one chain");
    Candidate single = bestSingle();
    if (single != null) {
      add(single, true);
    }
  }

  private List<Arrangement> search(Roles roles) {
    Question part = question.with(question.watch().sub(0.15));
    part.watch().part(1, part.evaluations());
    return GeneticSearch.run(space, roles, part.watch(), part.options().seed(), PER_SEARCH);
  }

  private @Nullable Candidate bestSingle() {
    Candidate best = null;
    for (int device : space.devices()) {
      Arrangement alone = new MixedRoles().assign(space, List.<int[]>of(new int[] {device}));
      if (alone.isFeasible()
          && (best == null || alone.capacity() > best.arrangement().capacity())) {
        best = new Candidate(alone, FREE, "one device");
      }
    }
    return best;
  }

  private Arrangement mixed(Arrangement found) {
    List<Member> members = new ArrayList<>();
    for (Member member : found.members()) {
      Member without = GivenRoles.member(space, member.devices(), Role.MIXED);
      if (without != null) {
        members.add(without);
      }
    }
    return GivenRoles.arrange(space, members);
  }

  private static List<int[]> groups(Arrangement found) {
    List<int[]> groups = new ArrayList<>();
    for (Member member : found.members()) {
      groups.add(member.devices());
    }
    return groups;
  }

  private void both(Arrangement arrangement, String origin, boolean guard) {
    free(arrangement, origin);
    add(new Candidate(arrangement, ServingPolicy.ROLES, origin), guard);
    if (guard) {
      add(new Candidate(arrangement, HELPFUL, origin), false);
    }
  }

  private void free(Arrangement arrangement, String origin) {
    add(new Candidate(arrangement, FREE, origin), false);
  }

  private void add(Candidate candidate, boolean guard) {
    if (!candidate.arrangement().isFeasible()) {
      return;
    }
    Candidate asked = candidate.withPolicy(question.withRouter(candidate.policy()));
    if (keys.add(asked.key(space))) {
      all.add(asked);
    }
    if (guard) {
      guards.add(asked);
    }
  }
}

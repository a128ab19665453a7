package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.e2llm.pipeline.Role;
import org.jspecify.annotations.Nullable;

/**
 * For few requests at a time: spreads them over as many replicas as makes the mean request soonest
 * done. Replicas beyond those have no part. All are MIXED, so no request waits for its KV cache to
 * move.
 */
public final class LatencyRoles implements Roles {
  private final boolean oneReplica;

  /**
   * Asks for any number of replicas, or for one.
   *
   * @param oneReplica whether only the first group counts
   */
  public LatencyRoles(boolean oneReplica) {
    this.oneReplica = oneReplica;
  }

  @Override
  public Arrangement assign(SearchSpace space, List<int[]> groups) {
    int sessions = space.demand().sessions();
    Arrangement best = Arrangement.NONE;
    int most = oneReplica ? 1 : Math.min(sessions, groups.size());
    for (int replicas = 1; replicas <= most; replicas++) {
      Arrangement next = spread(space, groups, replicas, (sessions + replicas - 1) / replicas);
      best = next.score() > best.score() ? next : best;
    }
    return best;
  }

  private static Arrangement spread(
      SearchSpace space, List<int[]> groups, int replicas, int sessions) {
    List<Member> members = new ArrayList<>();
    for (int[] group : groups) {
      @Nullable GroupShape shape = space.latencyShape(group, sessions);
      if (shape != null) {
        members.add(Member.of(group, Role.MIXED, shape));
      }
    }
    if (members.size() < replicas) {
      return Arrangement.NONE;
    }
    members.sort(Comparator.comparingDouble(member -> -member.rate()));
    List<Member> chosen = members.subList(0, replicas);
    double seconds = 0;
    for (Member member : chosen) {
      seconds += 1 / member.rate() / replicas;
    }
    return Wishes.arrange(space, chosen, 1 / seconds, 1 / seconds);
  }
}

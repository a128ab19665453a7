package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.pipeline.Role;
import org.jspecify.annotations.Nullable;

/**
 * Groups with roles that somebody else has chosen, MIXED ones among them.
 *
 * <p>The capacity is a lower bound: the rate of the scarcer phase among replicas with one role,
 * plus that of the MIXED ones, which might also help the scarcer phase out. Shared mediums are not
 * in it; whoever uses it judges by simulation.
 */
public final class GivenRoles {
  private GivenRoles() {}

  /** A group cut for a role, or null if it cannot hold the model. */
  public static @Nullable Member member(SearchSpace space, int[] group, Role role) {
    GroupShape shape = space.shape(group, role);
    return shape == null ? null : Member.of(group, role, shape);
  }

  /** Not feasible where a phase is served by nobody, or a pinned device is left out. */
  public static Arrangement arrange(SearchSpace space, List<Member> members) {
    double prompts = 0;
    double answers = 0;
    double both = 0;
    List<int[]> prefill = new ArrayList<>();
    List<int[]> decode = new ArrayList<>();
    for (Member member : members) {
      if (member.role() == Role.MIXED) {
        both += member.rate();
      } else if (member.role() == Role.PREFILL) {
        prompts += member.rate();
        prefill.add(member.devices());
      } else {
        answers += member.rate();
        decode.add(member.devices());
      }
    }
    double capacity = both + Math.min(prompts, answers);
    boolean allReachable = true;
    for (int[] from : prefill) {
      for (int[] to : decode) {
        allReachable &= space.fullyConnected() || space.connected(from, to);
      }
    }
    return capacity > 0 && allReachable
        ? Wishes.arrange(space, members, capacity, capacity)
        : Arrangement.NONE;
  }
}

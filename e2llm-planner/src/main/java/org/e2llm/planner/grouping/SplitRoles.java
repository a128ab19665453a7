package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.e2llm.pipeline.Role;
import org.jspecify.annotations.Nullable;

/**
 * The paper's roles: every replica does prefill or decode, by its efficiency in either. Groups are
 * sorted by the ratio of the two rates and cut in two where the system's capacity is highest; then
 * single changes and swaps are tried until none helps.
 *
 * <p>Where no two groups can hold the model, the one that can does both.
 */
public final class SplitRoles implements Roles {
  /** Such a plan has no roles and only stands in where roles are impossible. */
  private static final double STAND_IN = 1e-6;

  /** Swaps are tried among so few groups only; with more, single changes come as near. */
  private static final int SWAPS = 24;

  @Override
  public Arrangement assign(SearchSpace space, List<int[]> groups) {
    SplitCapacity capacity = new SplitCapacity(space, groups);
    List<Integer> sorted = sorted(capacity, groups.size());
    if (sorted.size() < 2) {
      return standIn(space, groups);
    }
    @Nullable Role[] roles = bestSplit(capacity, sorted, groups.size());
    refine(capacity, sorted, roles);
    Arrangement arrangement = arrange(space, groups, capacity, roles);
    return arrangement.capacity() > 0 ? arrangement : standIn(space, groups);
  }

  /** Roles as given: what a grouping is worth with them. */
  public static Arrangement given(SearchSpace space, List<int[]> groups, @Nullable Role[] roles) {
    return arrange(space, groups, new SplitCapacity(space, groups), roles);
  }

  /** Groups that hold the model, those first that do best at prompts as against answers. */
  public static List<int[]> byEfficiency(SearchSpace space, List<int[]> groups) {
    List<int[]> sorted = new ArrayList<>();
    for (int g : sorted(new SplitCapacity(space, groups), groups.size())) {
      sorted.add(groups.get(g));
    }
    return sorted;
  }

  private static Arrangement arrange(
      SearchSpace space, List<int[]> groups, SplitCapacity capacity, @Nullable Role[] roles) {
    List<Member> members = new ArrayList<>();
    for (int g = 0; g < roles.length; g++) {
      GroupShape shape = capacity.shape(roles, g);
      Role role = roles[g];
      if (role != null && shape != null) {
        members.add(Member.of(groups.get(g), role, shape));
      }
    }
    return Wishes.arrange(space, members, capacity.requestsPerSecond(roles), capacity.score(roles));
  }

  private static List<Integer> sorted(SplitCapacity capacity, int groups) {
    List<Integer> usable = new ArrayList<>();
    for (int g = 0; g < groups; g++) {
      if (capacity.prefill[g] != null || capacity.decode[g] != null) {
        usable.add(g);
      }
    }
    usable.sort(
        Comparator.comparingDouble((Integer g) -> -ratio(capacity.prefill[g], capacity.decode[g]))
            .thenComparing(g -> g));
    return usable;
  }

  private static double ratio(@Nullable GroupShape prefill, @Nullable GroupShape decode) {
    return decode == null
        ? Double.POSITIVE_INFINITY
        : prefill == null ? 0 : prefill.rate() / decode.rate();
  }

  private static @Nullable Role[] bestSplit(
      SplitCapacity capacity, List<Integer> sorted, int groups) {
    @Nullable Role[] best = new Role[groups];
    double highest = Double.NEGATIVE_INFINITY;
    for (int split = 1; split < sorted.size(); split++) {
      @Nullable Role[] roles = new Role[groups];
      for (int i = 0; i < sorted.size(); i++) {
        roles[sorted.get(i)] = i < split ? Role.PREFILL : Role.DECODE;
      }
      double value = capacity.score(roles);
      if (value > highest) {
        highest = value;
        best = roles;
      }
    }
    return best;
  }

  private static void refine(SplitCapacity capacity, List<Integer> usable, @Nullable Role[] roles) {
    double value = capacity.score(roles);
    boolean better = true;
    while (better) {
      better = false;
      for (int g : usable) {
        Role old = roles[g];
        for (Role role : new Role[] {Role.PREFILL, Role.DECODE, null}) {
          roles[g] = role;
          double next = capacity.score(roles);
          if (next > value) {
            value = next;
            old = role;
            better = true;
          }
        }
        roles[g] = old;
      }
      for (int i = 0; i < usable.size() && usable.size() <= SWAPS; i++) {
        for (int j = i + 1; j < usable.size(); j++) {
          int a = usable.get(i);
          int b = usable.get(j);
          swap(roles, a, b);
          double next = capacity.score(roles);
          if (next > value) {
            value = next;
            better = true;
          } else {
            swap(roles, a, b);
          }
        }
      }
    }
  }

  private static void swap(@Nullable Role[] roles, int a, int b) {
    Role role = roles[a];
    roles[a] = roles[b];
    roles[b] = role;
  }

  private static Arrangement standIn(SearchSpace space, List<int[]> groups) {
    Member best = null;
    for (int[] group : groups) {
      GroupShape shape = space.shape(group, Role.MIXED);
      if (shape != null && (best == null || shape.rate() > best.rate())) {
        best = Member.of(group, Role.MIXED, shape);
      }
    }
    if (best == null) {
      return Arrangement.NONE;
    }
    return Wishes.arrange(space, List.of(best), best.rate(), STAND_IN * best.rate());
  }
}

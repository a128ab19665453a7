package org.e2llm.planner.grouping;

import java.util.List;
import org.e2llm.pipeline.Role;
import org.jspecify.annotations.Nullable;

/** Tries every role for every group: what {@link SplitRoles} is held to. */
final class EveryRole implements Roles {
  @Override
  public Arrangement assign(SearchSpace space, List<int[]> groups) {
    SplitCapacity capacity = new SplitCapacity(space, groups);
    @Nullable Role[] roles = new Role[groups.size()];
    @Nullable Role[] best = roles.clone();
    double highest = 0;
    for (int code = 0; code < Math.pow(3, roles.length); code++) {
      int rest = code;
      for (int g = 0; g < roles.length; g++) {
        roles[g] = rest % 3 == 0 ? null : rest % 3 == 1 ? Role.PREFILL : Role.DECODE;
        rest /= 3;
      }
      double score = capacity.score(roles);
      if (score > highest) {
        highest = score;
        best = roles.clone();
      }
    }
    if (highest == 0) {
      return new SplitRoles().assign(space, groups);
    }
    return SplitRoles.given(space, groups, best);
  }
}

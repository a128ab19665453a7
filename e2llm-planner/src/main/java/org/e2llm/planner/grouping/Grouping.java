package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The chromosome: a group id for every device (or none), and the order inside each group. Immutable
 * by agreement: operators make new ones and share the arrays of groups that do not change.
 */
final class Grouping {
  private final List<int[]> groups;
  private @Nullable String key;

  Grouping(List<int[]> groups) {
    this.groups = List.copyOf(groups);
  }

  List<int[]> groups() {
    return groups;
  }

  /** Equal for groupings that are worth the same: kinds in order, groups in any order. */
  String key(SearchSpace space) {
    String known = key;
    if (known == null) {
      List<String> keys = new ArrayList<>();
      for (int[] group : groups) {
        keys.add(space.key(group));
      }
      Collections.sort(keys);
      StringBuilder all = new StringBuilder();
      for (String one : keys) {
        all.append(one).append('\uffff');
      }
      known = all.toString();
      key = known;
    }
    return known;
  }

  /** Devices of the space that are in no group, in the space's order. */
  List<Integer> free(SearchSpace space) {
    boolean[] used = new boolean[space.network().size()];
    for (int[] group : groups) {
      for (int device : group) {
        used[device] = true;
      }
    }
    List<Integer> free = new ArrayList<>();
    for (int i = 0; i < space.count(); i++) {
      if (!used[space.device(i)]) {
        free.add(space.device(i));
      }
    }
    return free;
  }
}

package org.e2llm.planner.grouping;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** How the app's wishes weigh in a score. */
final class Wishes {
  /** A plan that uses all preferred devices wins over one that is this much better. */
  private static final double PREFERENCE = 0.1;

  private Wishes() {}

  /** Makes an arrangement of replicas, scored by value and wishes. */
  static Arrangement arrange(
      SearchSpace space, List<Member> members, double capacity, double value) {
    if (members.isEmpty()) {
      return Arrangement.NONE;
    }
    if (space.pinned().isEmpty() && space.preferred().isEmpty()) {
      return new Arrangement(members, capacity, value);
    }
    Set<Integer> used = new HashSet<>();
    for (Member member : members) {
      for (int device : member.devices()) {
        used.add(device);
      }
    }
    int unplaced = 0;
    for (int pinned : space.pinned()) {
      unplaced += used.contains(pinned) ? 0 : 1;
    }
    if (unplaced > 0) {
      return new Arrangement(members, capacity, -unplaced);
    }
    double placed = 0;
    for (int preferred : space.preferred()) {
      placed += used.contains(preferred) ? 1.0 / space.preferred().size() : 0;
    }
    return new Arrangement(members, capacity, value * (1 + PREFERENCE * placed));
  }
}

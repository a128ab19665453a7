package org.e2llm.planner.grouping;

import java.util.List;

/**
 * Replicas and their roles, and what they are worth together.
 *
 * @param members replicas with a role; groups that only got in the way are left out
 * @param capacity requests per second that they can sustain; for few sessions, one over the seconds
 *     of a request
 * @param score what searches compare; higher is better, not above 0 if the arrangement breaks a
 *     wish that must be kept
 */
public record Arrangement(List<Member> members, double capacity, double score) {
  /** Where no group holds the model. */
  static final Arrangement NONE = new Arrangement(List.of(), 0, Double.NEGATIVE_INFINITY);

  public Arrangement {
    members = List.copyOf(members);
  }

  public boolean isFeasible() {
    return !members.isEmpty() && score > 0;
  }
}

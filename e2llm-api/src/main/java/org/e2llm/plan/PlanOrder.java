package org.e2llm.plan;

import java.util.Comparator;

/**
 * Which of two plans is in force: the higher one. Two halves of a split network may each have made
 * one; on meeting, both sides take the same.
 *
 * @param counter goes up with every plan; 0 for a plan that no cluster has taken yet
 * @param coordinator id of the peer that made it; empty if none did
 * @param hash {@link PlanCodec#hash} of the plan, so that the order is total; may be empty
 */
public record PlanOrder(long counter, String coordinator, String hash)
    implements Comparable<PlanOrder> {
  /** Before every plan of a cluster. */
  public static final PlanOrder NONE = new PlanOrder(0, "", "");

  private static final Comparator<PlanOrder> ORDER =
      Comparator.comparingLong(PlanOrder::counter)
          .thenComparing(PlanOrder::coordinator)
          .thenComparing(PlanOrder::hash);

  public PlanOrder {
    Check.notNegative("plan order", "counter", counter);
  }

  @Override
  public int compareTo(PlanOrder other) {
    return ORDER.compare(this, other);
  }
}

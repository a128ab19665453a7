package org.e2llm.planner.grouping;

import java.util.function.BooleanSupplier;
import java.util.function.DoubleConsumer;
import org.e2llm.PlanCancelledException;

/**
 * Counts a search's evaluations, tells how far it is, and ends it when it is cancelled. The count
 * is the budget: with time as the budget, the same seed would not give the same plan.
 */
public final class SearchWatch {
  /** Progress is told so many times at most. */
  private static final int REPORTS = 100;

  private final BooleanSupplier cancelled;
  private final DoubleConsumer progress;
  private long budget = 1;
  private long used;
  private double from;
  private double share;

  /**
   * A watch over a whole plan.
   *
   * @param cancelled asked before every evaluation
   * @param progress told what part is done, from 0 to 1, never less than before
   */
  public SearchWatch(BooleanSupplier cancelled, DoubleConsumer progress) {
    this.cancelled = cancelled;
    this.progress = progress;
  }

  /** Nobody cancels, nobody listens. */
  public static SearchWatch none() {
    return new SearchWatch(() -> false, done -> {});
  }

  /** The next part of the work, which is this share of all of it, has so many evaluations. */
  public void part(double shareOfAll, long evaluations) {
    from = Math.min(1, from + share);
    share = shareOfAll;
    budget = Math.max(1, evaluations);
    used = 0;
  }

  /** A watch for whoever does the next part, which is this share of all of it. */
  public SearchWatch sub(double shareOfAll) {
    part(shareOfAll, 1);
    double start = from;
    return new SearchWatch(
        cancelled, done -> progress.accept(Math.min(1, start + shareOfAll * done)));
  }

  /** Evaluations that this part may still use. */
  public long left() {
    return budget - used;
  }

  /**
   * One evaluation is about to be made.
   *
   * @throws PlanCancelledException if the search was cancelled
   */
  public void step() {
    if (cancelled.getAsBoolean()) {
      throw new PlanCancelledException(
          "planning was cancelled after " + used + " of " + budget + " evaluations of this part");
    }
    used++;
    if (used % Math.max(1, budget / REPORTS) == 0) {
      progress.accept(Math.min(1, from + share * Math.min(1, (double) used / budget)));
    }
  }

  /** All is done. */
  public void done() {
    progress.accept(1);
  }
}

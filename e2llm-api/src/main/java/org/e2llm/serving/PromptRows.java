package org.e2llm.serving;

import java.util.function.IntToDoubleFunction;

/**
 * How many rows of prompts may be in a step beside sessions that decode, so that these still have
 * their tokens in the time of an SLO's TPOT.
 */
public final class PromptRows {
  /**
   * Of the time for a token, what a step with prompt rows may take: there are pauses that no step
   * knows of. The second where even one row does not fit into the first.
   */
  private static final double[] SHARES = {0.85, 0.98};

  private PromptRows() {}

  /**
   * The most, from none to {@code rows}, with a margin.
   *
   * @param tpot seconds for a token
   * @param step seconds of a step with so many rows of prompts; does not fall
   */
  public static int inTime(int rows, double tpot, IntToDoubleFunction step) {
    for (double share : SHARES) {
      int most = most(rows, share * tpot, step);
      if (most > 0) {
        return most;
      }
    }
    return 0;
  }

  /** The same with the smaller margin alone. */
  public static int justInTime(int rows, double tpot, IntToDoubleFunction step) {
    return most(rows, SHARES[SHARES.length - 1] * tpot, step);
  }

  /** The most, from none to {@code rows}, with which a step takes no longer than a limit. */
  public static int most(int rows, double limit, IntToDoubleFunction step) {
    int found = 0;
    int tooMany = rows + 1;
    while (tooMany - found > 1) {
      int middle = (found + tooMany) / 2;
      if (step.applyAsDouble(middle) <= limit) {
        found = middle;
      } else {
        tooMany = middle;
      }
    }
    return found;
  }
}

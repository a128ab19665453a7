package org.e2llm.serving;

import java.util.function.IntToDoubleFunction;

/**
 * How many rows of prompts may be in a step beside sessions that decode, so that these still have
 * their tokens in the time of an SLO's TPOT.
 */
public final class PromptRows {
  /** Of the time for a token, what a step may take: there are pauses that no step knows of. */
  private static final double SHARE = 0.85;

  /** As much of it as that where no more rows than {@link #FEW} fit otherwise. */
  private static final double SHARE_OF_FEW = 0.95;

  /** And where not even one row fits. */
  private static final double SHARE_OF_NONE = 0.98;

  /** Of so few rows one more or less is much of a prompt's time. */
  private static final int FEW = 8;

  /** Steps that an answer waits in all: much of the time of a short one. */
  private static final double PAUSES = 4;

  private PromptRows() {}

  /**
   * The most, from none to {@code rows}, with a margin.
   *
   * @param tpot seconds for a token
   * @param output mean tokens of an answer
   * @param step seconds of a step with so many rows of prompts; does not fall
   */
  public static int inTime(int rows, double tpot, double output, IntToDoubleFunction step) {
    int found = most(rows, SHARE * tpot, step);
    if (found <= FEW) {
      double share = Math.min(SHARE_OF_FEW, 1 - PAUSES / output);
      found = most(rows, Math.max(SHARE, share) * tpot, step);
    }
    return found > 0 ? found : justInTime(rows, tpot, step);
  }

  /** The same with the smallest margin. */
  public static int justInTime(int rows, double tpot, IntToDoubleFunction step) {
    return most(rows, SHARE_OF_NONE * tpot, step);
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

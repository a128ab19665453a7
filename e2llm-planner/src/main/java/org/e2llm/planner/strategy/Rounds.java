package org.e2llm.planner.strategy;

import org.e2llm.planner.workload.Requests;

/**
 * Requests on which the last candidates are compared.
 *
 * @param fewer for what is only looked at
 * @param main for all that remain
 * @param more other ones, to confirm what takes the place of what the search found: beyond capacity
 *     times grow with what was let wait
 * @param denser come faster than asked: near saturation a mean over some thousand requests does not
 *     tell that one plan does a little less than another
 */
record Rounds(Requests fewer, Requests main, Requests more, Requests denser) {
  private static final int FEWER = 500;
  private static final int MAIN = 1500;
  private static final double MORE_LOAD = 1.1;

  static Rounds of(Trials trials) {
    return new Rounds(
        trials.requests(FEWER, 3),
        trials.requests(MAIN, 4),
        trials.requests(2 * MAIN, 5),
        trials.requests(MAIN, 6, MORE_LOAD));
  }
}

package org.e2llm.planner.strategy;

import org.e2llm.planner.workload.Requests;

/**
 * Requests on which candidates are compared, more and more for fewer and fewer of them. What came
 * of a candidate in a round is remembered: the same requests are the same object.
 *
 * @param first for whatever might do
 * @param second for what was left
 * @param few for steps from there, and for what is only looked at
 * @param main for all that remain
 * @param more other ones, to confirm what takes the place of what the search found: beyond capacity
 *     times grow with what was let wait
 * @param denser come faster than asked: near saturation a mean over some thousand requests does not
 *     tell that one plan does a little less than another
 */
record Rounds(
    Requests first, Requests second, Requests few, Requests main, Requests more, Requests denser) {
  private static final int FIRST = 200;
  private static final int FEW = 500;
  private static final int MAIN = 1500;
  private static final double MORE_LOAD = 1.1;

  static Rounds of(Trials trials) {
    return new Rounds(
        trials.requests(FIRST, 1),
        trials.requests(FEW, 2),
        trials.requests(FEW, 3),
        trials.requests(MAIN, 4),
        trials.requests(2 * MAIN, 5),
        trials.requests(MAIN, 6, MORE_LOAD));
  }
}

package org.e2llm.planner.simulator;

/**
 * Something of which a replica has one second per second, and how many of them a request that is
 * served inside the SLO takes at least, whatever it shares steps and memory with.
 */
interface Charge {
  /** For its prompt and first token. */
  double prompt(double tokensIn);

  /** For all tokens after the first. */
  double answer(double tokensIn, double tokensOut);
}

package org.e2llm.planner.simulator;

/** What is measured of a request, in seconds. */
public enum Metric {
  /** Arrival to the first prefill step that serves it. */
  QUEUE,
  /** End of prefill to the KV cache being complete where it decodes. */
  HANDOFF,
  /** KV cache there to the first decode step. */
  ADMISSION,
  /** All the time in which it is not served: the three above. */
  WAIT,
  /** Arrival to first token, which comes after a hand-off if there is one. */
  TTFT,
  /** Per output token after the first; requests with one output token do not count. */
  TPOT,
  /** Arrival to last token. */
  E2E
}

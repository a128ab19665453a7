package org.e2llm.planner.grouping;

import org.e2llm.pipeline.Role;

/**
 * What is expected of a chain of stages for the mean request.
 *
 * @param ttftSeconds of a request alone on it
 * @param tpotSeconds at the batch
 * @param handoffSeconds that the KV cache of its prompt takes to leave, or to come, by itself
 * @param batch decoding sessions per micro-batch, of which there is one per stage
 * @param prefillRate prompts per second if it does nothing else, its KV hand-off included
 * @param decodeRate answers per second if it does nothing else, their KV hand-off included
 * @param mixedRate requests per second if it does both phases, without hand-off
 * @param kvTokens that all stages can cache
 */
public record ReplicaEstimate(
    double ttftSeconds,
    double tpotSeconds,
    double handoffSeconds,
    int batch,
    double prefillRate,
    double decodeRate,
    double mixedRate,
    long kvTokens) {

  /** Requests per second in a role. */
  public double rate(Role role) {
    return role == Role.PREFILL ? prefillRate : role == Role.DECODE ? decodeRate : mixedRate;
  }
}

package org.e2llm.planner.grouping;

import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;

/**
 * A workload in the few numbers that searches reckon with. Tokens, unless said otherwise.
 *
 * @param prompt mean prompt (P)
 * @param output mean output (O)
 * @param chunk rows of a prefill step (C)
 * @param likely what a mean request comes to hold of the KV cache
 * @param largest what the largest request may come to hold: every replica must have room for it
 * @param sessions requests at a time if they are few, or 0
 * @param tpotLimit seconds per output token that a plan may not exceed, if it can be helped
 */
public record Demand(
    double prompt,
    double output,
    int chunk,
    double likely,
    long largest,
    int sessions,
    double tpotLimit) {

  /** Rows of a step that searches reckon with. */
  public static final int CHUNK = 512;

  /**
   * The numbers of a workload.
   *
   * @param devices of the fleet
   * @param throughput that many requests are done counts, even if few run at a time
   */
  public static Demand of(Workload workload, Slo slo, int devices, boolean throughput) {
    long largest = 0;
    for (Workload.Lengths request : workload.lengths()) {
      largest =
          Math.max(largest, request.prompt() + Math.max(workload.maxTokens(), request.output()));
    }
    boolean few =
        workload.requestsPerSecond() == 0 && workload.concurrency() < Math.max(2, devices);
    return new Demand(
        workload.meanPrompt(),
        workload.meanOutput(),
        CHUNK,
        workload.meanPrompt() + Math.min(workload.maxTokens(), workload.meanOutput()),
        largest,
        few && !throughput ? workload.concurrency() : 0,
        slo.tpotSeconds());
  }

  /** Tokens in the cache of a decoding session, on the mean over its output. */
  public double decodeContext() {
    return prompt + output / 2;
  }

  /** Positions that a prompt token attends to, on the mean. */
  public double promptContext() {
    return prompt / 2;
  }

  /** Chunks of a mean prompt on an idle replica. */
  public int chunks() {
    return (int) Math.ceil(prompt / chunk);
  }

  /**
   * Whether few requests run at a time, so that what counts is how soon each is done: a single one,
   * or fewer than there are devices. Otherwise it is how many are done: with requests that just
   * arrive, or with many at a time.
   */
  public boolean latencyCounts() {
    return sessions > 0;
  }
}

package org.e2llm.serving;

/** What a host reckons with of its own replica, the only one, and how large batches there are. */
interface HostEstimates extends ReplicaEstimates {
  /** Batch limits while so many sessions decode. */
  BatchScheduler.Limits limits(int decoding);

  /**
   * A step has ended.
   *
   * @param promptRows of its batch
   * @param decodeRows of its batch
   * @param latency seconds from its launch to its end
   * @param occupancy of them, those in which no other one was before it
   * @return whether what prompts take has become another thing for those who wait
   */
  default boolean observed(int promptRows, int decodeRows, double latency, double occupancy) {
    return false;
  }
}

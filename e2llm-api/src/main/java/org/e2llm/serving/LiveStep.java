package org.e2llm.serving;

/** A batch on its way through a live replica, reused for one after the other. */
final class LiveStep {
  private static final double NANOS = 1e9;

  final BatchScheduler.Decision decision = new BatchScheduler.Decision();
  private long launched;

  /** It enters the first stage. */
  void launched(long now) {
    launched = now;
  }

  /**
   * It left the last one: says what it took.
   *
   * @param before when the step before it did; steps end in the order in which they began
   */
  void landed(long now, long before, Inbox inbox) {
    int decodeRows = decision.decodeRows();
    int promptRows = 0;
    for (int i = decodeRows; i < decision.size(); i++) {
      promptRows += decision.length(i);
    }
    double latency = (now - launched) / NANOS;
    double occupancy = (now - Math.max(launched, before)) / NANOS;
    inbox.observed(promptRows, decodeRows, latency, occupancy);
  }
}

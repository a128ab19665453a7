package org.e2llm.planner.simulator;

import org.e2llm.planner.cost.StageCost;
import org.e2llm.serving.BatchScheduler;

/** A batch on its way through the stages of a replica, reused for one after the other. */
final class Flight {
  final int id;
  final BatchScheduler.Decision decision = new BatchScheduler.Decision();

  /** The replica, or -1 if the flight is not in use. */
  int replica = -1;

  /** Goes up whenever an event scheduled for it stops being true. */
  int version;

  int stage;

  /** How often the batch is computed; more than 1 on a single stage only. */
  int steps;

  double start;
  double stepSeconds;

  /** When the present stage is done. */
  double due;

  private int promptTokens;
  private double promptContext;
  private int decodeRows;
  private long cachedTokens;
  private int logitRows;

  Flight(int id) {
    this.id = id;
  }

  /** Sums the decision up. */
  void load(int replicaNumber, double now) {
    replica = replicaNumber;
    stage = 0;
    steps = 1;
    start = now;
    decodeRows = decision.decodeRows();
    logitRows = decodeRows;
    cachedTokens = 0;
    for (int i = 0; i < decodeRows; i++) {
      cachedTokens += decision.start(i) + 1;
    }
    promptTokens = 0;
    double positions = 0;
    for (int i = decodeRows; i < decision.size(); i++) {
      int length = decision.length(i);
      promptTokens += length;
      positions += length * (decision.start(i) + (length + 1) / 2.0);
      logitRows += decision.samples(i) ? 1 : 0;
    }
    promptContext = promptTokens == 0 ? 0 : positions / promptTokens;
  }

  int rows() {
    return promptTokens + decodeRows;
  }

  int promptTokens() {
    return promptTokens;
  }

  /** Seconds of one step on a stage, the mean over {@code steps} in which the caches grow. */
  double seconds(StageCost cost) {
    return cost.seconds(
        promptTokens,
        promptContext,
        decodeRows,
        cachedTokens + (long) decodeRows * (steps - 1) / 2,
        logitRows);
  }
}

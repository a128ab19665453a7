package org.e2llm.planner.simulator;

/** What was computed, and what was in use meanwhile. */
final class Work {
  private final double[][] stageSeconds;
  private final long[] peakTokens;
  private long promptTokens;
  private long decodedTokens;
  private int lost;
  private int handedOff;

  Work(Deployment deployment) {
    stageSeconds = new double[deployment.replicas()][];
    for (int r = 0; r < stageSeconds.length; r++) {
      stageSeconds[r] = new double[deployment.stages(r)];
    }
    peakTokens = new long[deployment.replicas()];
  }

  void busy(int replica, int stage, double seconds) {
    stageSeconds[replica][stage] += seconds;
  }

  void held(int replica, long tokens) {
    peakTokens[replica] = Math.max(peakTokens[replica], tokens);
  }

  void launched(int promptRows) {
    promptTokens += promptRows;
  }

  void decoded(int tokens) {
    decodedTokens += tokens;
  }

  void lost() {
    lost++;
  }

  void handedOff() {
    handedOff++;
  }

  double stageSeconds(int replica, int stage) {
    return stageSeconds[replica][stage];
  }

  long peakTokens(int replica) {
    return peakTokens[replica];
  }

  long promptTokens() {
    return promptTokens;
  }

  long decodedTokens() {
    return decodedTokens;
  }

  int timesLost() {
    return lost;
  }

  int timesHandedOff() {
    return handedOff;
  }
}

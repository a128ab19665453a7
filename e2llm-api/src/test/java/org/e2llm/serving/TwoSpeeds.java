package org.e2llm.serving;

import org.e2llm.pipeline.Role;

/**
 * Replicas of given speeds: prompts at {@code speed} tokens a second, a step in 1 / speed seconds
 * for each session in it, and a millisecond of one channel per token and hand-off.
 */
record TwoSpeeds(Role[] roles, double[] speeds, int kvTokens, double handoffPerToken)
    implements ReplicaEstimates {
  @Override
  public int size() {
    return roles.length;
  }

  @Override
  public Role role(int replica) {
    return roles[replica];
  }

  @Override
  public int kvTokens(int replica) {
    return kvTokens;
  }

  @Override
  public double expectedOutput() {
    return 100;
  }

  @Override
  public double prefillSeconds(int replica, int promptTokens, int decoding) {
    return promptTokens / speeds[replica];
  }

  @Override
  public double fillSeconds(int replica, int promptTokens) {
    return 0;
  }

  @Override
  public double stallSeconds(int replica, int promptTokens, int decoding) {
    return promptTokens / speeds[replica];
  }

  @Override
  public double stepSeconds(int replica, int decoding, double cachedTokens) {
    return decoding / speeds[replica];
  }

  @Override
  public double handoffSeconds(int from, int to, int promptTokens) {
    return promptTokens * handoffPerToken;
  }

  @Override
  public int channels() {
    return 1;
  }

  @Override
  public int[] channels(int from, int to) {
    return new int[1];
  }

  @Override
  public double channelSeconds(int from, int to, int index, int promptTokens) {
    return promptTokens * handoffPerToken;
  }
}

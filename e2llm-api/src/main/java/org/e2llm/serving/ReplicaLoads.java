package org.e2llm.serving;

import java.util.Arrays;

/**
 * What is under way and promised on every replica: the reservations made when requests are routed,
 * given back as they are worked off. Written by {@link Dispatcher}, read by routers.
 */
public final class ReplicaLoads {
  /** How many answers the expectation of a plan counts for against those seen. */
  private static final double PRIOR_ANSWERS = 16;

  private final boolean[] up;
  private final double[] prefillSeconds;
  private final long[] promptTokens;
  private final int[] bound;
  private final int[] decoding;
  private final long[] boundTokens;
  private final long[] reservedTokens;
  private final double[] sendSeconds;
  private final double[] receiveSeconds;
  private final int[] foreign;
  private double outputSum;
  private double answers;

  ReplicaLoads(int replicas, double expectedOutput) {
    up = new boolean[replicas];
    Arrays.fill(up, true);
    prefillSeconds = new double[replicas];
    promptTokens = new long[replicas];
    bound = new int[replicas];
    decoding = new int[replicas];
    boundTokens = new long[replicas];
    reservedTokens = new long[replicas];
    sendSeconds = new double[replicas];
    receiveSeconds = new double[replicas];
    foreign = new int[replicas];
    answers = PRIOR_ANSWERS;
    outputSum = PRIOR_ANSWERS * expectedOutput;
  }

  public boolean up(int replica) {
    return up[replica];
  }

  /** Seconds of prompts routed there and not computed, if nothing decodes there. */
  public double prefillSeconds(int replica) {
    return prefillSeconds[replica];
  }

  /** Tokens of prompts routed there and not computed. */
  public long promptTokens(int replica) {
    return promptTokens[replica];
  }

  /** Sessions that decode there or will. */
  public int bound(int replica) {
    return bound[replica];
  }

  /** Sessions that decode there now. */
  public int decoding(int replica) {
    return decoding[replica];
  }

  /** Prompt tokens of the sessions that decode there or will. */
  public long boundTokens(int replica) {
    return boundTokens[replica];
  }

  /** Tokens, prompt and output limit, of the sessions that decode there or will. */
  public long reservedTokens(int replica) {
    return reservedTokens[replica];
  }

  /** Seconds of KV hand-off that must still leave the replica. */
  public double sendSeconds(int replica) {
    return sendSeconds[replica];
  }

  /** Seconds of KV hand-off that must still reach the replica. */
  public double receiveSeconds(int replica) {
    return receiveSeconds[replica];
  }

  /** Phases there, waiting or running, that are not of the replica's role. */
  public int foreign(int replica) {
    return foreign[replica];
  }

  /** Running mean of the tokens of an answer. */
  public double meanOutput() {
    return outputSum / answers;
  }

  // Written by the dispatcher.

  void up(int replica, boolean isUp) {
    up[replica] = isUp;
  }

  void prefill(int replica, double seconds, long tokens) {
    // Adding and taking away leaves rounding behind: nothing is owed where no token is.
    promptTokens[replica] += tokens;
    prefillSeconds[replica] =
        promptTokens[replica] == 0 ? 0 : Math.max(0, prefillSeconds[replica] + seconds);
  }

  void bound(int replica, int sessions, int prompt, int most) {
    bound[replica] += sessions;
    boundTokens[replica] += (long) sessions * prompt;
    reservedTokens[replica] += (long) sessions * most;
  }

  void decoding(int replica, int sessions) {
    decoding[replica] += sessions;
  }

  void handoff(int from, int to, double seconds) {
    sendSeconds[from] = Math.max(0, sendSeconds[from] + seconds);
    receiveSeconds[to] = Math.max(0, receiveSeconds[to] + seconds);
  }

  void foreign(int replica, int phases) {
    foreign[replica] += phases;
  }

  void answered(int outputTokens) {
    answers++;
    outputSum += outputTokens;
  }
}

package org.e2llm.serving;

import java.util.Arrays;

/**
 * What is under way on every replica, and promised to requests when they are routed; taken back as
 * they are worked off. Written by {@link Dispatcher}, read by routers.
 */
public final class ReplicaLoads {
  /** How many answers the expectation of a plan counts for against those seen. */
  private static final double PRIOR_ANSWERS = 16;

  /** So many have to be seen before they count for more than a guess. */
  private static final int ENOUGH_ANSWERS = 8;

  private final ReplicaEstimates estimates;
  private final boolean[] up;
  private final double[] prefillSeconds;
  private final long[] promptTokens;
  private final int[] bound;
  private final int[] decoding;
  private final long[] boundTokens;
  private final long[] promisedTokens;
  private final double[] channelSeconds;
  private final int[] foreign;
  private final double[] lateSeconds;
  private final long[] waitingTokens;
  private final long[] lateTokens;
  private double outputSum;
  private double answers;

  ReplicaLoads(ReplicaEstimates estimates) {
    this.estimates = estimates;
    int replicas = estimates.size();
    up = new boolean[replicas];
    Arrays.fill(up, true);
    prefillSeconds = new double[replicas];
    promptTokens = new long[replicas];
    bound = new int[replicas];
    decoding = new int[replicas];
    boundTokens = new long[replicas];
    promisedTokens = new long[replicas];
    channelSeconds = new double[estimates.channels()];
    foreign = new int[replicas];
    lateSeconds = new double[replicas];
    waitingTokens = new long[replicas];
    lateTokens = new long[replicas];
    answers = PRIOR_ANSWERS;
    outputSum = PRIOR_ANSWERS * estimates.expectedOutput();
  }

  public boolean up(int replica) {
    return up[replica];
  }

  /** Seconds of prompts routed there and not computed, if nothing decodes there. */
  public double prefillSeconds(int replica) {
    return prefillSeconds[replica];
  }

  /**
   * Part of {@link #prefillSeconds}: prompts that cannot be in time for the SLO, or are longer than
   * the one at hand and would be left out before it. 0 without an SLO in view.
   */
  public double lateSeconds(int replica) {
    return lateSeconds[replica];
  }

  /** Part of {@link #promisedTokens}: of those that wait and are late, or longer, as above. */
  public long lateTokens(int replica) {
    return lateTokens[replica];
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

  /** Of the sessions that decode there or will; 0 if there are none. */
  double meanPrompt(int replica) {
    return bound[replica] == 0 ? 0 : (double) boundTokens[replica] / bound[replica];
  }

  /**
   * Tokens that will likely be held there: prompt and answer of the sessions that decode there,
   * prompts of those that move on.
   */
  public long promisedTokens(int replica) {
    return promisedTokens[replica];
  }

  /**
   * Seconds of hand-offs promised, and not complete, on the busiest channel between two replicas.
   */
  public double channelSeconds(int from, int to) {
    double most = 0;
    for (int channel : estimates.channels(from, to)) {
      most = Math.max(most, channelSeconds[channel]);
    }
    return most;
  }

  /** Phases there, waiting or running, that are not of the replica's role. */
  public int foreign(int replica) {
    return foreign[replica];
  }

  /** Running mean of the tokens of an answer. */
  public double meanOutput() {
    return outputSum / answers;
  }

  /** Tokens that an answer is likely to have. */
  public int likelyOutput(int maxTokens) {
    return (int) Math.min(maxTokens, Math.ceil(meanOutput()));
  }

  /** Whether {@link #meanOutput} tells more than what was expected. */
  boolean knowsOutput() {
    return answers - PRIOR_ANSWERS >= ENOUGH_ANSWERS;
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

  /** A session waits for what is promised to it (1), or has it or goes (-1). */
  void waits(DispatchedSession session, int sign) {
    add(waitingTokens, session, sign);
  }

  /** So many seconds there give way to the one at hand, and all that wait; but {@link #notLate}. */
  void late(int replica, double seconds) {
    lateSeconds[replica] = seconds;
    lateTokens[replica] = waitingTokens[replica];
  }

  /** One that waits does not give way. */
  void notLate(DispatchedSession session) {
    add(lateTokens, session, -1);
  }

  private static void add(long[] tokens, DispatchedSession session, int sign) {
    tokens[session.d()] += (long) sign * session.promised;
    tokens[session.p()] += session.p() == session.d() ? 0 : (long) sign * session.prompt;
  }

  void bound(int replica, int sessions, int prompt, int likely) {
    bound[replica] += sessions;
    boundTokens[replica] += (long) sessions * prompt;
    promisedTokens[replica] += (long) sessions * likely;
  }

  void passing(int replica, int tokens) {
    promisedTokens[replica] += tokens;
  }

  void decoding(int replica, int sessions) {
    decoding[replica] += sessions;
  }

  /** A hand-off is promised (1), or over or withdrawn (-1). */
  void handoff(int from, int to, int promptTokens, int sign) {
    int[] channels = estimates.channels(from, to);
    for (int i = 0; i < channels.length; i++) {
      double seconds = estimates.channelSeconds(from, to, i, promptTokens);
      channelSeconds[channels[i]] = Math.max(0, channelSeconds[channels[i]] + sign * seconds);
    }
  }

  void foreign(int replica, int phases) {
    foreign[replica] += phases;
  }

  void answered(int outputTokens) {
    answers++;
    outputSum += outputTokens;
  }
}

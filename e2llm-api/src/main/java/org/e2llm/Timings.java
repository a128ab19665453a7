package org.e2llm;

import java.time.Duration;

/**
 * Where the time of a generation went. What did not happen is zero.
 *
 * @param queued from the call until it begins
 * @param ttft from the call to the first token
 * @param prefill from when it begins to the first token
 * @param decode from the first token to the last
 * @param prefillTokens prompt tokens computed in {@code prefill}
 * @param decodeTokens tokens generated in {@code decode}: all but the first
 */
public record Timings(
    Duration queued,
    Duration ttft,
    Duration prefill,
    Duration decode,
    int prefillTokens,
    int decodeTokens) {
  /** Prompt tokens per second; 0 where nothing was measured. */
  public double prefillTokensPerSecond() {
    return perSecond(prefillTokens, prefill);
  }

  /** Generated tokens per second after the first; 0 where nothing was measured. */
  public double decodeTokensPerSecond() {
    return perSecond(decodeTokens, decode);
  }

  private static double perSecond(int tokens, Duration time) {
    long nanos = time.toNanos();
    return nanos <= 0 ? 0 : tokens * 1e9 / nanos;
  }
}

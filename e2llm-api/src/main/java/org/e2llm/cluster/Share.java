package org.e2llm.cluster;

import java.time.Duration;
import java.util.Objects;
import org.e2llm.InvalidRequestException;

/**
 * What this device offers a cluster. Immutable.
 *
 * @param memoryBytes for weights, KV cache and work buffers; 0 offers nothing
 * @param threads that compute; 0 for as many as physical cores
 * @param polling see {@link #polling(Duration)}
 */
public record Share(long memoryBytes, int threads, Duration polling) {
  private static final Duration LONGEST_POLLING = Duration.ofSeconds(10);

  public Share {
    if (memoryBytes < 0 || threads < 0) {
      throw new InvalidRequestException(
          "share of " + memoryBytes + " bytes and " + threads + " threads: neither is below 0");
    }
    Objects.requireNonNull(polling, "polling");
    if (polling.isNegative() || polling.compareTo(LONGEST_POLLING) > 0) {
      throw new InvalidRequestException(
          "polling for " + polling + ": expected is from 0 to " + LONGEST_POLLING);
    }
  }

  /** Nothing: this device only asks. */
  public static Share none() {
    return new Share(0, 0, Duration.ZERO);
  }

  /** So many bytes of memory. */
  public static Share memory(long bytes) {
    if (bytes < 1) {
      throw new InvalidRequestException(
          "share of " + bytes + " bytes: Share.none() shares nothing");
    }
    return new Share(bytes, 0, Duration.ZERO);
  }

  /** With so many threads. */
  public Share threads(int count) {
    return new Share(memoryBytes, count, polling);
  }

  /**
   * For so long, 10 s at most, a stage that waits for its next batch keeps a core busy before it
   * sleeps; by default it sleeps at once, which saves power and leaves the core to others. A core
   * that slept computes slower at first, most of all a virtual one, and takes a while to wake: with
   * as long as the other stages take for a token, sessions that are few are done sooner.
   */
  public Share polling(Duration longest) {
    return new Share(memoryBytes, threads, longest);
  }

  public boolean isNone() {
    return memoryBytes == 0;
  }
}

package org.e2llm.cluster;

import org.e2llm.InvalidRequestException;

/**
 * What this device offers a cluster. Immutable.
 *
 * @param memoryBytes for weights, KV cache and work buffers; 0 offers nothing
 * @param threads that compute; 0 for as many as physical cores
 */
public record Share(long memoryBytes, int threads) {
  public Share {
    if (memoryBytes < 0 || threads < 0) {
      throw new InvalidRequestException(
          "share of " + memoryBytes + " bytes and " + threads + " threads: neither is below 0");
    }
  }

  /** Nothing: this device only asks. */
  public static Share none() {
    return new Share(0, 0);
  }

  /** So many bytes of memory. */
  public static Share memory(long bytes) {
    if (bytes < 1) {
      throw new InvalidRequestException(
          "share of " + bytes + " bytes: Share.none() shares nothing");
    }
    return new Share(bytes, 0);
  }

  /** With so many threads. */
  public Share threads(int count) {
    return new Share(memoryBytes, count);
  }

  public boolean isNone() {
    return memoryBytes == 0;
  }
}

package org.e2llm.transport.slice;

import java.time.Duration;
import org.e2llm.InvalidRequestException;

/**
 * How eagerly leaves are fetched.
 *
 * @param maxBytesInFlight requested and not yet there, from all peers together
 * @param maxLeavesInFlight likewise; each may take 1 MiB of memory
 * @param maxWindow requests to one peer at a time
 * @param timeout a peer that owes leaves and sends none for so long is left alone for a while
 * @param standbyBytesPerSecond that leaves beside the plan may take of the network
 */
public record SliceOptions(
    long maxBytesInFlight,
    int maxLeavesInFlight,
    int maxWindow,
    Duration timeout,
    long standbyBytesPerSecond) {
  public SliceOptions {
    if (maxBytesInFlight < 1
        || maxLeavesInFlight < 1
        || maxWindow < 1
        || maxWindow > SliceFrames.MAX_REQUESTS / 2
        || timeout.isNegative()
        || timeout.isZero()
        || standbyBytesPerSecond < 1) {
      throw new InvalidRequestException(
          "slice options: expected are values above 0 and a window of at most "
              + SliceFrames.MAX_REQUESTS / 2);
    }
  }

  /**
   * 16 MiB in flight keep 1 Gbit/s busy over 100 ms, and are what a phone can spare. Standby at 8
   * MiB/s leaves most of any LAN to generations.
   */
  public static SliceOptions defaults() {
    return new SliceOptions(16L << 20, 24, 16, Duration.ofSeconds(10), 8L << 20);
  }

  public SliceOptions withTimeout(Duration changed) {
    return new SliceOptions(
        maxBytesInFlight, maxLeavesInFlight, maxWindow, changed, standbyBytesPerSecond);
  }

  public SliceOptions withStandbyBytesPerSecond(long changed) {
    return new SliceOptions(maxBytesInFlight, maxLeavesInFlight, maxWindow, timeout, changed);
  }
}

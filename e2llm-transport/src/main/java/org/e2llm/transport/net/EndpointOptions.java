package org.e2llm.transport.net;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.e2llm.InvalidRequestException;
import org.e2llm.transport.wire.FrameLimits;

/**
 * How an endpoint behaves.
 *
 * @param listen addresses to accept connections at, port 0 for any free one; empty to only dial
 * @param limits of frames from proven peers
 * @param maxQueuedBytes a connection on which more is queued ends with an error
 * @param maxUnproven connections accepted but not yet proven; the oldest goes for a new one
 * @param connectTimeout until TCP is connected
 * @param proofTimeout for TLS, proof and hello together
 * @param heartbeat between two pings of a HOT connection
 * @param linger for what is queued, and the farewell, when a connection is closed
 */
public record EndpointOptions(
    List<InetSocketAddress> listen,
    FrameLimits limits,
    long maxQueuedBytes,
    int maxUnproven,
    Duration connectTimeout,
    Duration proofTimeout,
    Duration heartbeat,
    Duration linger) {
  public EndpointOptions {
    listen = List.copyOf(listen);
    positive("maxQueuedBytes", maxQueuedBytes);
    positive("maxUnproven", maxUnproven);
    positive("connectTimeout", connectTimeout.toMillis());
    positive("proofTimeout", proofTimeout.toMillis());
    positive("heartbeat", heartbeat.toMillis());
    positive("linger", linger.toMillis());
  }

  /** The protocol's values: 64 unproven, 3 s for the proof, a heartbeat each 500 ms, 256 MiB. */
  public static EndpointOptions listening(InetSocketAddress... addresses) {
    return new EndpointOptions(
        List.of(addresses),
        FrameLimits.proven(),
        256L << 20,
        64,
        Duration.ofSeconds(3),
        Duration.ofSeconds(3),
        Duration.ofMillis(500),
        Duration.ofMillis(500));
  }

  public EndpointOptions withMaxQueuedBytes(long bytes) {
    return new EndpointOptions(
        listen, limits, bytes, maxUnproven, connectTimeout, proofTimeout, heartbeat, linger);
  }

  public EndpointOptions withLimits(FrameLimits frameLimits) {
    return new EndpointOptions(
        listen,
        frameLimits,
        maxQueuedBytes,
        maxUnproven,
        connectTimeout,
        proofTimeout,
        heartbeat,
        linger);
  }

  public EndpointOptions withProofTimeout(Duration timeout) {
    return new EndpointOptions(
        listen, limits, maxQueuedBytes, maxUnproven, connectTimeout, timeout, heartbeat, linger);
  }

  private static void positive(String option, long value) {
    if (value <= 0) {
      throw new InvalidRequestException(
          "endpoint: " + option + " is " + value + ", expected is a value above 0");
    }
  }
}

package org.e2llm.transport.net;

/**
 * What a link was measured to do.
 *
 * @param bytesPerSecond of payload, one way, from this peer to the other
 * @param latencySeconds one way: half the shortest round trip
 * @param bytes that the measurement has moved
 */
public record LinkEstimate(double bytesPerSecond, double latencySeconds, long bytes) {}

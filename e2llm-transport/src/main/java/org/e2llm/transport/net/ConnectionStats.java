package org.e2llm.transport.net;

/**
 * What a connection has moved so far, and how fast.
 *
 * @param framesSent handed to the operating system
 * @param framesReceived whole frames
 * @param bytesSent of frames, headers included, before encryption
 * @param bytesReceived of frames, headers included, after decryption
 * @param wireBytesSent TLS records, the handshake included
 * @param wireBytesReceived TLS records, the handshake included
 * @param lastReceivedNanos System.nanoTime() at which something last arrived
 * @param rttNanos smoothed time of a ping and its pong; 0 before the first
 * @param minRttNanos the shortest such time of the last minute or so; 0 before the first
 * @param bytesPerSecond what the link took while it had something to carry all the time; 0 as long
 *     as it never was that busy
 */
public record ConnectionStats(
    long framesSent,
    long framesReceived,
    long bytesSent,
    long bytesReceived,
    long wireBytesSent,
    long wireBytesReceived,
    long lastReceivedNanos,
    long rttNanos,
    long minRttNanos,
    double bytesPerSecond) {}

package org.e2llm.transport.net;

/** What a connection has moved: written by the net thread alone, read by anybody. */
@SuppressWarnings("NonAtomicVolatileUpdate") // one writer
final class Counters {
  private volatile long framesSent;
  private volatile long framesReceived;
  private volatile long bytesSent;
  private volatile long bytesReceived;
  private volatile long wireBytesSent;
  private volatile long wireBytesReceived;
  private volatile long lastReceivedNanos;
  private volatile long rttNanos;
  private volatile long minRttNanos;
  private volatile double bytesPerSecond;

  Counters(long now) {
    this.lastReceivedNanos = now;
  }

  void encrypted(int frames, long bytes) {
    framesSent += frames;
    bytesSent += bytes;
  }

  void wrote(long bytes) {
    wireBytesSent += bytes;
  }

  void read(long bytes, long now) {
    wireBytesReceived += bytes;
    lastReceivedNanos = now;
  }

  void frame(long bytes) {
    framesReceived++;
    bytesReceived += bytes;
  }

  void rtt(Heartbeat heartbeat) {
    rttNanos = heartbeat.smoothedNanos();
    minRttNanos = heartbeat.shortestNanos();
  }

  void rate(double measured) {
    bytesPerSecond = measured;
  }

  long wireBytesSent() {
    return wireBytesSent;
  }

  ConnectionStats snapshot() {
    return new ConnectionStats(
        framesSent,
        framesReceived,
        bytesSent,
        bytesReceived,
        wireBytesSent,
        wireBytesReceived,
        lastReceivedNanos,
        rttNanos,
        minRttNanos,
        bytesPerSecond);
  }
}

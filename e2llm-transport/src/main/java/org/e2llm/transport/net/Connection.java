package org.e2llm.transport.net;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A proven, encrypted connection to a peer. Safe for any number of threads; none of the methods
 * blocks.
 */
public interface Connection {
  /** Id of the peer: 32 lower-case hex characters, of its certificate. */
  String peer();

  Lane lane();

  /** Where the other end is. */
  InetSocketAddress remote();

  /** The version of the protocol that both speak: the highest common one. */
  int version();

  /**
   * Queues a frame. Frames of one connection arrive in the order in which they were queued, or the
   * connection ends.
   *
   * @param type of the frame, not one of the connection's own (0x01-0x0f)
   * @param payload from position to limit, any kind of buffer. It is lent: it is read, and its
   *     position moves to its limit, until {@code released} runs; so one buffer cannot be queued
   *     twice at a time
   * @param released runs exactly once if this method returned true, on the net thread and thus must
   *     not block: the payload was handed to the operating system or the connection is gone
   * @return false if the connection is closed; the payload was not touched and {@code released}
   *     never runs. Also if more was queued than the connection may hold: it then ends with an
   *     error
   */
  boolean send(byte type, ByteBuffer payload, @Nullable Runnable released);

  /**
   * Bytes of frames, headers included, that were queued and are not yet with the operating system.
   */
  long queuedBytes();

  ConnectionStats stats();

  /**
   * Sends what is queued and a farewell, then ends the connection; all within a bounded time, after
   * which what is left is dropped. The other side sees the reason (at most 1024 bytes of UTF-8, the
   * rest is cut off). Further calls do nothing.
   */
  void close(String reason);
}

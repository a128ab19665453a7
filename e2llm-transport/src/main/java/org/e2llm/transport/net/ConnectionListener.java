package org.e2llm.transport.net;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.e2llm.cluster.ClusterException;
import org.jspecify.annotations.Nullable;

/**
 * What happens to an endpoint's connections. Everything is called on the net thread, one call after
 * the other, and must not block. For a connection: {@code opened}, then {@code received} any number
 * of times, then {@code closed}, once.
 *
 * <p>An exception that {@code received} throws ends that connection, and is why; so a message codec
 * just throws its {@link org.e2llm.cluster.ProtocolException}.
 */
public interface ConnectionListener {
  /**
   * Decides on a peer that has proven the secret, before it is {@code opened}.
   *
   * @return null to go on, or why not; the other side is told
   */
  default @Nullable Refusal check(Hello mine, Hello theirs) {
    return Refusal.between(mine, theirs);
  }

  /**
   * A peer has proven the secret and both hellos fit. When both peers dial at once, or one dials
   * twice, one connection per peer and lane survives: a new one that takes the place of an older
   * one is opened first, then the older one is closed.
   */
  void opened(Connection connection, Hello hello);

  /**
   * A frame of the types 0x10-0x4f.
   *
   * @param payload little-endian, position 0 is not promised; lent for the time of this call
   */
  void received(Connection connection, byte type, ByteBuffer payload);

  /** A connection that was opened is gone. Its queued payloads were released before. */
  void closed(Connection connection, Throwable why);

  /** Somebody dialled this peer and never got as far as {@code opened}: for diagnosis. */
  default void refused(InetSocketAddress remote, ClusterException why) {}
}

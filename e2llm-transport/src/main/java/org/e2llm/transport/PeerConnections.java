package org.e2llm.transport;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ConnectionClosedException;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.ConnectionListener;
import org.e2llm.transport.net.ConnectionStats;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.stage.Links;
import org.jspecify.annotations.Nullable;

/** The hot connections there are, by peer. Thread-safe. */
final class PeerConnections implements Links, ConnectionListener {
  /** Who is told; on the net thread. */
  interface Events {
    void opened(String peer, Hello hello);

    void received(String peer, byte type, ByteBuffer payload);

    /** The peer has no hot connection any more. */
    void closed(String peer, Throwable why);

    void refused(InetSocketAddress remote, ClusterException why);
  }

  private final String self;
  private final Events events;
  private final Map<String, Connection> hot = new ConcurrentHashMap<>();

  PeerConnections(String self, Events events) {
    this.self = self;
    this.events = events;
  }

  @Override
  public String self() {
    return self;
  }

  @Override
  public boolean send(String peer, byte type, ByteBuffer payload, @Nullable Runnable released) {
    Connection connection = hot.get(peer);
    return connection != null && connection.send(type, payload, released);
  }

  @Override
  public void drop(String peer, String reason) {
    Connection connection = hot.get(peer);
    if (connection != null) {
      connection.close(reason);
    }
  }

  /** Null if there is no connection. */
  @Nullable ConnectionStats stats(String peer) {
    Connection connection = hot.get(peer);
    return connection == null ? null : connection.stats();
  }

  Iterable<String> peers() {
    return hot.keySet();
  }

  @Override
  public void opened(Connection connection, Hello hello) {
    if (connection.lane() == Lane.HOT) {
      Connection before = hot.put(connection.peer(), connection);
      if (before != null) {
        // Frames may have been lost with it; its own end is not told any more, see closed.
        events.closed(connection.peer(), new ConnectionClosedException(false, "another took its place"));
      }
      events.opened(connection.peer(), hello);
    }
  }

  @Override
  public void received(Connection connection, byte type, ByteBuffer payload) {
    events.received(connection.peer(), type, payload);
  }

  @Override
  public void closed(Connection connection, Throwable why) {
    if (hot.remove(connection.peer(), connection)) {
      events.closed(connection.peer(), why);
    }
  }

  @Override
  public void refused(InetSocketAddress remote, ClusterException why) {
    events.refused(remote, why);
  }
}

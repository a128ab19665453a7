package org.e2llm.transport;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ConnectionClosedException;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.ConnectionListener;
import org.e2llm.transport.net.ConnectionStats;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.net.Refusal;
import org.e2llm.transport.stage.KvExchange;
import org.e2llm.transport.stage.Links;
import org.jspecify.annotations.Nullable;

/**
 * The connections there are, by peer. Hot ones are for {@link Events}, which may come later: until
 * then connections are kept and frames forgotten. Thread-safe.
 */
final class PeerConnections implements Links, ConnectionListener {
  /** Who is told of hot connections; on the net thread. */
  interface Events {
    void opened(String peer, Hello hello);

    void received(String peer, byte type, ByteBuffer payload);

    /** KV came over the connection for bytes. */
    void receivedKv(String peer, byte type, ByteBuffer payload);

    /** The peer has no hot connection any more. */
    void closed(String peer, Throwable why);

    /** What was under way over the connection for bytes may be lost. */
    void closedBulk(String peer);
  }

  /** Who is told of the others; on the net thread. */
  interface Bulk {
    void opened(Connection connection, Hello hello);

    void received(Connection connection, byte type, ByteBuffer payload);

    void closed(Connection connection);
  }

  /** Who is told that somebody was not let in. */
  @FunctionalInterface
  interface Refused {
    /**
     * @param peer its id, or its address
     */
    void refused(String peer, ClusterException why);
  }

  /** A peer that can be reached, and what it said. */
  record Open(Connection connection, Hello hello) {}

  private final String self;
  private final Bulk bulk;
  private final Refused refused;
  private final Map<String, Open> hot = new ConcurrentHashMap<>();
  private final Map<String, Connection> slow = new ConcurrentHashMap<>();
  private volatile @Nullable Events events;

  PeerConnections(String self, Bulk bulk, Refused refused) {
    this.self = self;
    this.bulk = bulk;
    this.refused = refused;
  }

  /**
   * From now on hot connections are for {@code to}: first those that are open.
   *
   * @param hello what this device says of itself from now on; connections to peers that it does not
   *     fit are closed
   */
  synchronized void attach(Events to, Hello hello) {
    events = to;
    for (Open open : new ArrayList<>(hot.values())) {
      Refusal refusal = Refusal.between(hello, open.hello());
      if (refusal == null) {
        to.opened(open.connection().peer(), open.hello());
      } else {
        refused.refused(open.connection().peer(), refusal.toException(true));
        drop(open.connection().peer(), "it does not fit what this device has");
      }
    }
  }

  @Override
  public String self() {
    return self;
  }

  @Override
  public boolean send(String peer, byte type, ByteBuffer payload, @Nullable Runnable released) {
    Open open = hot.get(peer);
    return open != null && open.connection().send(type, payload, released);
  }

  /** As {@link #send}, over the connection for bytes. */
  boolean sendBulk(String peer, byte type, ByteBuffer payload, @Nullable Runnable released) {
    Connection connection = slow.get(peer);
    return connection != null && connection.send(type, payload, released);
  }

  @Override
  public boolean reaches(String peer) {
    return hot.containsKey(peer);
  }

  @Override
  public void drop(String peer, String reason) {
    Open open = hot.get(peer);
    if (open != null) {
      open.connection().close(reason);
    }
    Connection other = slow.get(peer);
    if (other != null) {
      other.close(reason);
    }
  }

  /** Null if there is no hot connection. */
  @Nullable ConnectionStats stats(String peer) {
    Open open = hot.get(peer);
    return open == null ? null : open.connection().stats();
  }

  /** The hot one; null if there is none. */
  @Nullable Connection connection(String peer) {
    Open open = hot.get(peer);
    return open == null ? null : open.connection();
  }

  /** Those with a hot connection. */
  Iterable<String> peers() {
    return hot.keySet();
  }

  /** Those with a hot connection, and what they said. */
  List<Open> open() {
    return new ArrayList<>(hot.values());
  }

  /** Null if there is none. */
  @Nullable Connection bulk(String peer) {
    return slow.get(peer);
  }

  @Override
  public void opened(Connection connection, Hello hello) {
    if (connection.lane() == Lane.BULK) {
      if (slow.put(connection.peer(), connection) != null) {
        closedBulk(connection.peer());
      }
      bulk.opened(connection, hello);
      return;
    }
    synchronized (this) {
      Open before = hot.put(connection.peer(), new Open(connection, hello));
      Events to = events;
      if (to != null) {
        if (before != null) {
          // Frames may have been lost with it, and its own end is not told any more, see closed.
          to.closed(
              connection.peer(),
              new ConnectionClosedException(false, "another connection took its place"));
        }
        to.opened(connection.peer(), hello);
      }
    }
  }

  @Override
  public void received(Connection connection, byte type, ByteBuffer payload) {
    Events to = events;
    if (connection.lane() == Lane.BULK && !KvExchange.takesBulk(type)) {
      bulk.received(connection, type, payload);
    } else if (connection.lane() == Lane.BULK) {
      if (to != null) {
        to.receivedKv(connection.peer(), type, payload);
      }
    } else if (to != null) {
      to.received(connection.peer(), type, payload);
    }
  }

  @Override
  public void closed(Connection connection, Throwable why) {
    if (connection.lane() == Lane.BULK) {
      if (slow.remove(connection.peer(), connection)) {
        closedBulk(connection.peer());
      }
      bulk.closed(connection);
      return;
    }
    synchronized (this) {
      Open open = hot.get(connection.peer());
      if (open == null || open.connection() != connection) {
        return;
      }
      hot.remove(connection.peer());
      Events to = events;
      if (to != null) {
        to.closed(connection.peer(), why);
      }
    }
  }

  private void closedBulk(String peer) {
    Events to = events;
    if (to != null) {
      to.closedBulk(peer);
    }
  }

  @Override
  public void refused(InetSocketAddress remote, ClusterException why) {
    refused.refused(remote.getAddress().getHostAddress(), why);
  }
}

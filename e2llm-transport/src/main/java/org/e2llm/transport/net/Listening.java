package org.e2llm.transport.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.cluster.ClusterException;
import org.jspecify.annotations.Nullable;

/** One address at which connections are accepted. Net thread only, but for {@link #bind}. */
final class Listening implements NetLoop.Handler {
  private static final Logger LOG = Logger.getLogger(Listening.class.getName());
  private static final int BACKLOG = 256;

  /** Then others get their turn. */
  private static final int AT_ONCE = 16;

  /** After a failure, for example with no file descriptor left. */
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final Endpoint endpoint;
  private final ServerSocketChannel channel;
  private final InetSocketAddress address;
  private @Nullable SelectionKey key;
  private boolean warned;
  private boolean paused;
  private long resumeAt;

  private Listening(Endpoint endpoint, ServerSocketChannel channel, InetSocketAddress address) {
    this.endpoint = endpoint;
    this.channel = channel;
    this.address = address;
  }

  static Listening bind(Endpoint endpoint, InetSocketAddress at) {
    ServerSocketChannel channel = null;
    try {
      channel = ServerSocketChannel.open();
      channel.bind(at, BACKLOG);
      return new Listening(endpoint, channel, (InetSocketAddress) channel.getLocalAddress());
    } catch (IOException | RuntimeException e) {
      close(channel);
      throw new ClusterException(
          "Cannot listen at "
              + at
              + ": "
              + e.getMessage()
              + ". Take an address of this device and a free port, or port 0 for any.",
          e);
    }
  }

  /** With the port that was found. */
  InetSocketAddress address() {
    return address;
  }

  void start() throws IOException {
    key = endpoint.loop().add(channel, SelectionKey.OP_ACCEPT, this);
  }

  void stop() {
    endpoint.loop().remove(this);
    close(channel);
  }

  @Override
  public void ready(SelectionKey ready) {
    for (int i = 0; i < AT_ONCE; i++) {
      try {
        SocketChannel accepted = channel.accept();
        if (accepted == null) {
          return;
        }
        endpoint.accepted(accepted);
      } catch (IOException e) {
        pause(e);
        return;
      }
    }
  }

  @Override
  public long beforeWait(long now) {
    if (paused && resumeAt - now <= 0 && key != null) {
      paused = false;
      key.interestOps(SelectionKey.OP_ACCEPT);
    }
    return paused ? resumeAt - now : Long.MAX_VALUE;
  }

  private void pause(IOException failure) {
    LOG.log(
        warned ? Level.FINE : Level.WARNING, "Cannot accept connections at " + address, failure);
    warned = true;
    paused = true;
    resumeAt = System.nanoTime() + PAUSE_NANOS;
    if (key != null && key.isValid()) {
      key.interestOps(0);
    }
  }

  private static void close(@Nullable ServerSocketChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      LOG.log(Level.FINE, "closing a listening socket failed", e);
    }
  }
}

package org.e2llm.transport.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLEngine;
import org.e2llm.transport.wire.FrameHeader;
import org.e2llm.transport.wire.FrameLimits;
import org.e2llm.transport.wire.FrameReader;
import org.jspecify.annotations.Nullable;

/**
 * Frames over TLS over a socket: moves bytes as far as they go and calls its owner for what has
 * arrived. What frames mean, and how long anything may take, is the owner's business. Net thread
 * only.
 */
final class FrameLink {
  /** Who frames are for. */
  interface Owner {
    /** TCP is there, where this side has dialled. */
    void connected();

    /**
     * TLS is there; first of all calls where the other side has dialled.
     *
     * @param fingerprint SHA-256 of the certificate that the other side holds the key of
     */
    void secured(byte[] fingerprint);

    /** A frame; the payload is lent. */
    void frame(byte type, ByteBuffer payload);

    /** After {@link #leave}: the other side has nothing more to say. */
    void left();

    /** A part of the TLS handshake is done that ran elsewhere: {@link #ready} is to be called. */
    void goOn();
  }

  private static final Logger LOG = Logger.getLogger(FrameLink.class.getName());

  private final NetLoop loop;
  private final SocketChannel channel;
  private final Outbound outbound;
  private final Counters counters;
  private final Supplier<SSLEngine> engines;
  private final Owner owner;

  private @Nullable SelectionKey key;
  private @Nullable TlsChannel tls;
  private @Nullable FrameReader frames;
  private boolean connected;
  private boolean secured;
  private boolean taskRuns;
  private boolean leaving;
  private boolean saidFarewell;
  private boolean closed;

  FrameLink(
      NetLoop loop,
      SocketChannel channel,
      Outbound outbound,
      Counters counters,
      Supplier<SSLEngine> engines,
      Owner owner) {
    this.loop = loop;
    this.channel = channel;
    this.outbound = outbound;
    this.counters = counters;
    this.engines = engines;
    this.owner = owner;
  }

  /** A connection that was accepted: waits for its first byte. */
  void accept(NetLoop.Handler handler) throws IOException {
    connected = true;
    key = loop.add(channel, SelectionKey.OP_READ, handler);
  }

  void dial(InetSocketAddress remote, NetLoop.Handler handler) throws IOException {
    boolean atOnce;
    try {
      atOnce = channel.connect(remote);
    } catch (IllegalArgumentException e) {
      throw new IOException("this system knows no such kind of address", e);
    }
    key = loop.add(channel, SelectionKey.OP_CONNECT, handler);
    if (atOnce) {
      ready();
    }
  }

  /** Does what the socket is ready for. */
  void ready() throws IOException {
    if (!connected) {
      channel.finishConnect();
      connected = true;
      owner.connected();
    }
    if (closed || taskRuns) {
      return;
    }
    TlsChannel records = tls;
    FrameReader reader = frames;
    if (records == null || reader == null) {
      // Not before the first byte has arrived: who only connects costs next to nothing.
      records = new TlsChannel(channel, engines.get(), counters);
      reader = new FrameReader(FrameLimits.unproven(), records.plaintextSize());
      tls = records;
      frames = reader;
    }
    records.readable();
    if (!leaving) {
      if (!secured || outbound.flushWanted() || waitsForSpace()) {
        flush(records);
      }
      readAll(records, reader);
    } else if (records.discard()) {
      owner.left();
    } else {
      flush(records);
    }
  }

  /** Writes what was queued by others. */
  void flushIfWanted() throws IOException {
    if (tls != null && outbound.flushWanted() && !taskRuns && !closed) {
      flush(tls);
    }
  }

  /** Larger buffers, and other frames, from the next one on. */
  void proven(FrameLimits limits, Lane lane) {
    if (tls != null && frames != null) {
      frames.limits(limits);
      outbound.open(tls, lane);
    }
  }

  /** Gives memory back that was not needed lately. */
  void trim() {
    if (frames != null) {
      frames.trim();
    }
  }

  /** The last frame is queued: what still comes is not looked at. */
  void leave() {
    leaving = true;
    outbound.leave();
    loop.wakeup();
  }

  /** TLS close_notify or alert, then FIN: unlike a reset it does not destroy what is under way. */
  void sayFarewell() {
    if (tls == null || saidFarewell) {
      return;
    }
    saidFarewell = true;
    try {
      outbound.farewell(tls);
      channel.shutdownOutput();
    } catch (IOException e) {
      LOG.log(Level.FINE, "no farewell", e);
    }
  }

  /** Gives everything back that is queued. */
  void close() {
    closed = true;
    try {
      channel.close();
    } catch (IOException e) {
      LOG.log(Level.FINE, "closing a socket failed", e);
    }
    outbound.drop();
  }

  private void readAll(TlsChannel records, FrameReader reader) throws IOException {
    while (!leaving && !closed) {
      TlsChannel.Read read = records.read(reader.space());
      if (!secured && !records.handshaking()) {
        secured = true;
        owner.secured(records.peerFingerprint());
      }
      switch (read) {
        case DATA:
          while (!leaving && !closed && reader.next()) {
            counters.frame(FrameHeader.BYTES + reader.payload().remaining());
            owner.frame(reader.type(), reader.payload());
          }
          break;
        case WRITE:
          if (!flush(records)) {
            return;
          }
          break;
        case TASK:
          runTask(records);
          return;
        case EMPTY:
          return;
        case END:
          throw new IOException("the other side ended the connection");
      }
    }
  }

  private void runTask(TlsChannel records) {
    taskRuns = true;
    interest(0);
    loop.executeSlow(
        () -> {
          records.task();
          loop.execute(
              () -> {
                taskRuns = false;
                if (!closed) {
                  interest(SelectionKey.OP_READ);
                  owner.goOn();
                }
              });
        });
  }

  /** True if everything is written. Otherwise it goes on when the socket takes more. */
  private boolean flush(TlsChannel records) throws IOException {
    boolean all = outbound.flush(records);
    if (closed) {
      return false;
    }
    interest(all ? SelectionKey.OP_READ : SelectionKey.OP_READ | SelectionKey.OP_WRITE);
    if (all && leaving) {
      sayFarewell();
    }
    return all;
  }

  /** The socket was full. */
  private boolean waitsForSpace() {
    return key != null && (key.interestOps() & SelectionKey.OP_WRITE) != 0;
  }

  private void interest(int operations) {
    if (key != null && key.interestOps() != operations) {
      key.interestOps(operations);
    }
  }
}

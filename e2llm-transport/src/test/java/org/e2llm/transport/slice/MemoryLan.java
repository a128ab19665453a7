package org.e2llm.transport.slice;

import java.net.InetSocketAddress;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.ConnectionStats;
import org.e2llm.transport.net.Lane;

/**
 * Connections without sockets, with the contract of real ones: a net thread per peer, payloads that
 * are lent, order, an end that both sides hear of. What a peer sends can be changed, slowed down or
 * held back.
 */
final class MemoryLan implements AutoCloseable {
  /** What becomes of a frame that a peer sends. */
  interface Tamper {
    /** The payload that arrives, or null for none. */
    byte[] pass(byte type, byte[] payload);
  }

  private final List<Peer> peers = new ArrayList<>();

  Peer join(String id, SliceExchange exchange) {
    Peer peer = new Peer(id, exchange);
    peers.add(peer);
    return peer;
  }

  void connect(Peer one, Peer other) {
    Wire there = new Wire(one, other);
    Wire back = new Wire(other, one);
    there.mirror = back;
    back.mirror = there;
    one.wires.add(there);
    other.wires.add(back);
    one.run(() -> one.exchange.opened(there));
    other.run(() -> other.exchange.opened(back));
  }

  @Override
  public void close() {
    for (Peer peer : peers) {
      peer.exchange.close();
      peer.net.shutdownNow();
    }
  }

  static final class Peer {
    final String id;
    final SliceExchange exchange;
    final List<Wire> wires = new ArrayList<>();
    volatile Tamper tamper = (type, payload) -> payload;
    volatile long nanosPerByte;
    private final ExecutorService net;

    Peer(String id, SliceExchange exchange) {
      this.id = id;
      this.exchange = exchange;
      this.net =
          Executors.newSingleThreadExecutor(
              work -> {
                Thread thread = new Thread(work, "net of " + id);
                thread.setDaemon(true);
                return thread;
              });
    }

    /** Ends all its connections, as if it were gone. */
    void vanish() {
      List.copyOf(wires).forEach(wire -> wire.end());
    }

    void run(Runnable work) {
      try {
        net.execute(work);
      } catch (RejectedExecutionException e) {
        // The test is over.
      }
    }
  }

  static final class Wire implements Connection {
    private final Peer from;
    private final Peer to;
    private final AtomicLong queued = new AtomicLong();
    private Wire mirror;
    private volatile boolean closed;

    Wire(Peer from, Peer to) {
      this.from = from;
      this.to = to;
    }

    @Override
    public boolean send(byte type, ByteBuffer payload, Runnable released) {
      if (closed) {
        return false;
      }
      int size = payload.remaining();
      queued.addAndGet(size);
      from.run(
          () -> {
            byte[] bytes = new byte[size];
            payload.get(bytes);
            if (from.nanosPerByte > 0) {
              pause(size * from.nanosPerByte);
            }
            queued.addAndGet(-size);
            if (released != null) {
              released.run();
            }
            byte[] passed = closed ? null : from.tamper.pass(type, bytes);
            if (passed != null) {
              to.run(() -> mirror.receive(type, passed));
            }
          });
      return true;
    }

    private void receive(byte type, byte[] payload) {
      if (closed) {
        return;
      }
      try {
        // Not at position 0, and in a buffer that is worth nothing afterwards.
        ByteBuffer lent = ByteBuffer.allocate(payload.length + 3).order(ByteOrder.LITTLE_ENDIAN);
        ((Buffer) lent).position(3);
        lent.duplicate().put(payload);
        from.exchange.received(this, type, lent);
        Arrays.fill(lent.array(), (byte) 0x55);
      } catch (RuntimeException e) {
        close(e.toString());
      }
    }

    @Override
    public void close(String reason) {
      end();
    }

    void end() {
      for (Wire wire : List.of(this, mirror)) {
        if (!wire.closed) {
          wire.closed = true;
          wire.from.run(() -> wire.from.exchange.closed(wire));
        }
      }
    }

    private static void pause(long nanos) {
      try {
        TimeUnit.NANOSECONDS.sleep(nanos);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public String peer() {
      return to.id;
    }

    @Override
    public Lane lane() {
      return Lane.BULK;
    }

    @Override
    public InetSocketAddress remote() {
      return InetSocketAddress.createUnresolved(to.id, 1);
    }

    @Override
    public int version() {
      return 1;
    }

    @Override
    public long queuedBytes() {
      return queued.get();
    }

    @Override
    public ConnectionStats stats() {
      return new ConnectionStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }
  }
}

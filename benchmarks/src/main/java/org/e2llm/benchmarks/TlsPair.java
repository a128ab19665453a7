package org.e2llm.benchmarks;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.e2llm.cluster.Secret;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.ConnectionListener;
import org.e2llm.transport.net.ConnectionStats;
import org.e2llm.transport.net.Endpoint;
import org.e2llm.transport.net.EndpointOptions;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.trust.Identity;
import org.e2llm.transport.trust.PeerTls;

/**
 * Two ends of a link on loopback, each with a thread of its own that computes, or would: the client
 * is the caller's, the server's takes each payload and sends it back or swallows it.
 */
interface TlsPair extends AutoCloseable {
  /** Sends the payload and waits for the same number of bytes. */
  void roundTrip() throws Exception;

  /** Sends {@code times} payloads one after the other and waits until the other side has them. */
  void stream(int times) throws Exception;

  @Override
  void close() throws Exception;

  /** Keeps the thread busy, as a stage's layers do. */
  static void compute(int micros) {
    long end = System.nanoTime() + micros * 1000L;
    while (System.nanoTime() < end) {
      Thread.onSpinWait();
    }
  }

  /** What a Java program has at hand: blocking SSLSockets with the same certificates and cipher. */
  final class Bare implements TlsPair {
    private static final String[] TLS = {"TLSv1.3"};
    private static final String[] CIPHER = {"TLS_AES_128_GCM_SHA256"};

    private final byte[] payload;
    private final SSLServerSocket listening;
    private final SSLSocket client;
    private final OutputStream out;
    private final DataInputStream in;

    /** {@code computeMicros}: how long the server computes before it echoes. */
    Bare(int payloadBytes, boolean echo, int computeMicros) throws IOException {
      this.payload = new byte[payloadBytes];
      this.listening =
          (SSLServerSocket)
              new PeerTls(Identity.create())
                  .context()
                  .getServerSocketFactory()
                  .createServerSocket(0, 1, InetAddress.getLoopbackAddress());
      listening.setNeedClientAuth(true);
      Thread server = new Thread(() -> serve(echo, computeMicros), "bare-server");
      server.setDaemon(true);
      server.start();
      this.client =
          (SSLSocket)
              new PeerTls(Identity.create())
                  .context()
                  .getSocketFactory()
                  .createSocket(InetAddress.getLoopbackAddress(), listening.getLocalPort());
      client.setTcpNoDelay(true);
      client.setEnabledProtocols(TLS);
      client.setEnabledCipherSuites(CIPHER);
      this.out = client.getOutputStream();
      this.in = new DataInputStream(client.getInputStream());
    }

    private void serve(boolean echo, int computeMicros) {
      try (SSLSocket socket = (SSLSocket) listening.accept()) {
        socket.setTcpNoDelay(true);
        DataInputStream from = new DataInputStream(socket.getInputStream());
        OutputStream to = socket.getOutputStream();
        byte[] buffer = new byte[payload.length];
        byte[] done = {1};
        while (true) {
          from.readFully(buffer);
          if (echo) {
            compute(computeMicros);
            to.write(buffer);
          } else if (buffer[0] == 1) {
            to.write(done);
          }
        }
      } catch (IOException e) {
        // The client has closed.
      }
    }

    @Override
    public void roundTrip() throws IOException {
      out.write(payload);
      in.readFully(payload);
    }

    @Override
    public void stream(int times) throws IOException {
      for (int i = 0; i < times; i++) {
        payload[0] = (byte) (i == times - 1 ? 1 : 0);
        out.write(payload);
      }
      in.readFully(new byte[1]);
    }

    @Override
    public void close() throws IOException {
      client.close();
      listening.close();
    }
  }

  /** Two endpoints. Payloads are copied out of the frame on both sides, as stages do. */
  final class Peers implements TlsPair {
    private static final byte TYPE = 0x21;
    private static final int WINDOW = 8;

    private final Endpoint server;
    private final Endpoint client;
    private final Connection connection;
    private final ByteBuffer[] payloads = new ByteBuffer[WINDOW];
    private final Semaphore free = new Semaphore(WINDOW);
    private final Runnable released = free::release;
    private final Semaphore arrived = new Semaphore(0);

    /**
     * {@code direct}: the net thread of the server echoes, instead of a thread that computes, for
     * {@code computeMicros} before it does.
     */
    Peers(int payloadBytes, boolean echo, boolean direct, int computeMicros) {
      Secret secret = Secret.generate();
      Hello hello = Hello.of("benchmark", "");
      for (int i = 0; i < WINDOW; i++) {
        payloads[i] = ByteBuffer.allocate(payloadBytes);
      }
      this.server =
          Endpoint.open(
              EndpointOptions.listening(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)),
              Identity.create(),
              secret,
              hello,
              echo ? new Echo(payloadBytes, direct, computeMicros) : new Swallow());
      this.client =
          Endpoint.open(
              EndpointOptions.listening(), Identity.create(), secret, hello, new Arrival());
      this.connection = client.connect(server.address(), echo ? Lane.HOT : Lane.BULK).join();
    }

    /** Hands each frame to a thread, as a stage does, which sends it back; or does so itself. */
    private static final class Echo implements ConnectionListener {
      private final ByteBuffer copy;
      private final Semaphore ready = new Semaphore(0);
      private final boolean direct;
      private final int computeMicros;
      private volatile Connection connection;

      Echo(int payloadBytes, boolean direct, int computeMicros) {
        this.copy = ByteBuffer.allocate(payloadBytes);
        this.direct = direct;
        this.computeMicros = computeMicros;
        Thread computes = new Thread(this::compute, "peer-server");
        computes.setDaemon(true);
        computes.start();
      }

      private void compute() {
        while (true) {
          ready.acquireUninterruptibly();
          TlsPair.compute(computeMicros);
          connection.send(TYPE, copy, null);
        }
      }

      @Override
      public void opened(Connection opened, Hello hello) {
        connection = opened;
      }

      @Override
      public void received(Connection from, byte type, ByteBuffer payload) {
        copy.clear();
        copy.put(payload).flip();
        if (direct) {
          from.send(TYPE, copy, null);
        } else {
          ready.release();
        }
      }

      @Override
      public void closed(Connection closed, Throwable why) {}
    }

    /** Counts; says so at the frame that is marked. */
    private static final class Swallow implements ConnectionListener {
      private final ByteBuffer done = ByteBuffer.allocate(1);

      @Override
      public void opened(Connection opened, Hello hello) {}

      @Override
      public void received(Connection from, byte type, ByteBuffer payload) {
        if (payload.get(payload.position()) == 1) {
          done.clear();
          from.send(TYPE, done, null);
        }
      }

      @Override
      public void closed(Connection closed, Throwable why) {}
    }

    private final class Arrival implements ConnectionListener {
      private final ByteBuffer copy = ByteBuffer.allocate(payloads[0].capacity());

      @Override
      public void opened(Connection opened, Hello hello) {}

      @Override
      public void received(Connection from, byte type, ByteBuffer payload) {
        copy.clear();
        copy.put(payload);
        arrived.release();
      }

      @Override
      public void closed(Connection closed, Throwable why) {}
    }

    @Override
    public void roundTrip() {
      payloads[0].clear();
      connection.send(TYPE, payloads[0], null);
      arrived.acquireUninterruptibly();
    }

    @Override
    public void stream(int times) {
      for (int i = 0; i < times; i++) {
        free.acquireUninterruptibly();
        ByteBuffer payload = payloads[i % WINDOW];
        payload.clear();
        payload.put(0, (byte) (i == times - 1 ? 1 : 0));
        connection.send(TYPE, payload, released);
      }
      arrived.acquireUninterruptibly();
    }

    ConnectionStats stats() {
      return connection.stats();
    }

    @Override
    public void close() {
      client.close();
      server.close();
      client.closed().join();
      server.closed().join();
    }
  }
}

package org.e2llm.transport.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** Hands on the bytes of one connection, until it is told to harm those of the dialling side. */
final class Mangler implements AutoCloseable {
  private final Socket server;
  private volatile boolean flips;
  private volatile boolean cuts;

  Mangler(ServerSocket listening, InetSocketAddress target) throws IOException {
    this.server = new Socket(target.getAddress(), target.getPort());
    run(
        () -> {
          Socket accepted = listening.accept();
          run(() -> pump(server, accepted, false));
          pump(accepted, server, true);
        });
  }

  /** From here on the last byte of what comes is flipped, or is where it ends. */
  void harm(boolean cut) {
    flips = !cut;
    cuts = cut;
  }

  @Override
  public void close() throws IOException {
    server.close();
  }

  private void pump(Socket from, Socket to, boolean harmful) throws IOException {
    try (from;
        to) {
      byte[] buffer = new byte[1 << 16];
      for (int n = from.getInputStream().read(buffer); n > 0; ) {
        boolean cut = harmful && cuts;
        if (harmful && flips) {
          buffer[n - 1] ^= 1;
        }
        to.getOutputStream().write(buffer, 0, cut ? n - 1 : n);
        if (cut) {
          return;
        }
        n = from.getInputStream().read(buffer);
      }
    }
  }

  private interface Job {
    void run() throws IOException;
  }

  private static void run(Job job) {
    Thread thread =
        new Thread(
            () -> {
              try {
                job.run();
              } catch (IOException e) {
                // A side has gone, as it should.
              }
            },
            "mangler");
    thread.setDaemon(true);
    thread.start();
  }
}

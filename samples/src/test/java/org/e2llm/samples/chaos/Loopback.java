package org.e2llm.samples.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Free ports of 127.0.0.1: its links cannot fail. */
final class Loopback implements Lan {
  private final List<Place> places = new ArrayList<>();

  Loopback(int count) {
    List<ServerSocket> taken = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        taken.add(socket);
        places.add(new Place(List.of(), "127.0.0.1:" + socket.getLocalPort()));
      }
      for (ServerSocket socket : taken) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public List<Place> places() {
    return places;
  }

  @Override
  public boolean hasLinks() {
    return false;
  }

  @Override
  public void link(int place, boolean up) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void deaf(int place, boolean deaf) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void partition(Set<Integer> set, boolean split) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}

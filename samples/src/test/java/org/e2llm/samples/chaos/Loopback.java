package org.e2llm.samples.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Free ports of 127.0.0.1: its links cannot fail. */
final class Loopback implements Lan {
  /** Below those that connections get from the system: who restarts finds its port free. */
  private static final int FIRST = 20_000;

  private static final int PORTS = 12_000;

  private final List<Place> places = new ArrayList<>();

  Loopback(int count) {
    Random random = new Random();
    for (int tries = 0; places.size() < count; tries++) {
      assertThat(tries).as("ports that were taken").isLessThan(PORTS);
      int port = FIRST + random.nextInt(PORTS);
      String address = "127.0.0.1:" + port;
      boolean taken = places.stream().anyMatch(place -> place.address().equals(address));
      if (!taken && isFree(port)) {
        places.add(new Place(List.of(), address));
      }
    }
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (IOException e) {
      return false;
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

  @Override
  public String toString() {
    return "loopback";
  }
}

package org.e2llm.transport;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Addresses as peers tell them to each other: {@code host:port}, numeric, IPv6 in brackets. */
final class Addresses {
  private Addresses() {}

  /** Null for what is no numeric address: names are not looked up. */
  static @Nullable InetSocketAddress parse(String text) {
    int colon = text.lastIndexOf(':');
    if (colon < 1) {
      return null;
    }
    String host = text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    boolean numeric = host.indexOf(':') >= 0 || host.matches("[0-9.]+");
    try {
      int port = Integer.parseInt(text.substring(colon + 1));
      return numeric && port > 0 && port < 65536
          ? new InetSocketAddress(InetAddress.getByName(host), port)
          : null;
    } catch (NumberFormatException | UnknownHostException e) {
      return null;
    }
  }

  static String format(InetAddress address, int port) {
    String host = address.getHostAddress();
    int scope = host.indexOf('%');
    if (scope >= 0) {
      host = host.substring(0, scope);
    }
    return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
  }

  /** What can be dialled to reach these: wildcards become the addresses of this host. */
  static List<String> reachable(List<InetSocketAddress> listening) {
    Set<String> all = new LinkedHashSet<>();
    for (InetSocketAddress at : listening) {
      if (!at.getAddress().isAnyLocalAddress()) {
        all.add(format(at.getAddress(), at.getPort()));
        continue;
      }
      for (InetAddress address : ofThisHost()) {
        all.add(format(address, at.getPort()));
      }
    }
    List<String> listed = new ArrayList<>(all);
    return listed.subList(0, Math.min(16, listed.size()));
  }

  /**
   * Global ones first, loopback last; link-local IPv6 ones are left out, others cannot scope them.
   */
  private static List<InetAddress> ofThisHost() {
    List<InetAddress> addresses = new ArrayList<>();
    List<InetAddress> loopback = new ArrayList<>();
    try {
      for (NetworkInterface each : Collections.list(NetworkInterface.getNetworkInterfaces())) {
        for (InetAddress address : Collections.list(each.getInetAddresses())) {
          if (each.isUp() && !address.isLinkLocalAddress()) {
            (address.isLoopbackAddress() ? loopback : addresses).add(address);
          }
        }
      }
    } catch (SocketException e) {
      addresses.clear();
    }
    addresses.addAll(loopback);
    return addresses;
  }
}

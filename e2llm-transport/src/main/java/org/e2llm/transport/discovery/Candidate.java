package org.e2llm.transport.discovery;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * Somebody on the LAN who announces our tag. Unproven: anybody can.
 *
 * @param key 16 hex digits, the same on all interfaces and until it starts anew
 * @param addresses where it may be reached, most promising first; never empty. Link-local IPv6
 *     addresses carry the scope they were seen on
 * @param port where it listens, the same on all
 */
public record Candidate(String key, List<InetAddress> addresses, int port) {
  public Candidate {
    addresses = List.copyOf(addresses);
  }

  /** To connect to, in the order to try. */
  public List<InetSocketAddress> endpoints() {
    List<InetSocketAddress> endpoints = new ArrayList<>();
    for (InetAddress address : addresses) {
      endpoints.add(new InetSocketAddress(address, port));
    }
    return endpoints;
  }
}

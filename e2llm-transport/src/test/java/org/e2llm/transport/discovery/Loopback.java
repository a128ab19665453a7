package org.e2llm.transport.discovery;

import static org.junit.jupiter.api.Assumptions.abort;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/** Loopback as the only interface. */
final class Loopback {
  private Loopback() {}

  static List<LanInterface> interfaces() {
    List<LanInterface> loopback = new ArrayList<>(LanInterface.all());
    loopback.removeIf(lan -> !lan.loopback());
    return loopback;
  }

  /** Skips the test, visibly, on systems whose loopback carries no multicast. */
  static void requireMulticast() {
    for (LanInterface lan : interfaces()) {
      for (InetAddress address : lan.addresses()) {
        if (address instanceof Inet4Address
            && NetworkChecks.multicast(lan, address, 2_000).good()
            && NetworkChecks.multicastDnsPort().good()) {
          return;
        }
      }
    }
    System.out.println("[skipped] needs multicast on loopback");
    abort("needs multicast on loopback");
  }
}

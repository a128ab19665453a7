package org.e2llm.transport.discovery;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether an interface is used to find peers.
 *
 * @param used its addresses that are announced and listened on; empty if it is not used
 * @param reason why it is not used, or why one of its addresses is not, and what helps; empty where
 *     all is well
 */
public record InterfaceReport(LanInterface lanInterface, List<InetAddress> used, String reason) {
  /** More IPv4 addresses of one interface than this lead to the same LAN. */
  private static final int MOST_IPV4 = 2;

  public InterfaceReport {
    used = List.copyOf(used);
  }

  /**
   * Which interfaces to use: those that are up, carry multicast and are no tunnel. Loopback only
   * where there is no other, so that two apps on a host without a network find each other.
   */
  static List<InterfaceReport> choose(List<LanInterface> interfaces) {
    String other = "";
    for (LanInterface lan : interfaces) {
      if (other.isEmpty() && !lan.loopback() && obstacle(lan).isEmpty()) {
        other = lan.name();
      }
    }
    List<InterfaceReport> reports = new ArrayList<>();
    for (LanInterface lan : interfaces) {
      String reason = obstacle(lan);
      if (reason.isEmpty() && lan.loopback() && !other.isEmpty()) {
        reason = "reaches this host only, and " + other + " is used";
      }
      reports.add(new InterfaceReport(lan, reason.isEmpty() ? announced(lan) : List.of(), reason));
    }
    return reports;
  }

  private static String obstacle(LanInterface lan) {
    if (!lan.up()) {
      return "is down";
    }
    if (lan.addresses().isEmpty()) {
      return "has no address";
    }
    if (lan.pointToPoint()) {
      return "is a tunnel or modem, where nobody answers multicast; give the peers behind it by"
          + " host and port";
    }
    if (!lan.multicast() && !lan.loopback()) {
      return "carries no multicast; give the peers behind it by host and port";
    }
    return "";
  }

  /**
   * IPv4 addresses, and one of IPv6: the link-local one, which is always there and stays when
   * prefixes change.
   */
  private static List<InetAddress> announced(LanInterface lan) {
    List<InetAddress> chosen = new ArrayList<>();
    InetAddress six = null;
    for (InetAddress address : lan.addresses()) {
      if (address instanceof java.net.Inet4Address) {
        if (chosen.size() < MOST_IPV4) {
          chosen.add(address);
        }
      } else if (six == null || (address.isLinkLocalAddress() && !six.isLinkLocalAddress())) {
        six = address;
      }
    }
    if (six != null && !(lan.loopback() && !chosen.isEmpty())) {
      chosen.add(six);
    }
    return chosen;
  }
}

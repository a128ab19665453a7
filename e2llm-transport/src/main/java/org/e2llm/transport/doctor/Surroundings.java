package org.e2llm.transport.doctor;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.e2llm.transport.discovery.InterfaceReport;
import org.e2llm.transport.discovery.JmdnsDiscovery;
import org.e2llm.transport.discovery.LanInterface;
import org.e2llm.transport.discovery.NetworkChecks;
import org.e2llm.transport.doctor.Finding.Area;
import org.e2llm.transport.doctor.Finding.Verdict;

/** What is to be said of this host alone. */
final class Surroundings {
  private static final int TIMEOUT_MILLIS = 1_500;

  private final Consumer<Finding> found;

  Surroundings(Consumer<Finding> found) {
    this.found = found;
  }

  /**
   * All interfaces, and whether multicast works where discovery needs it.
   *
   * @param discovery whether it is needed at all
   * @param named whether peers were named, who can do without it
   * @return as discovery would use them
   */
  List<InterfaceReport> interfaces(boolean discovery, boolean named) {
    List<InterfaceReport> reports = new JmdnsDiscovery().interfaces();
    boolean lan = false;
    for (InterfaceReport report : reports) {
      LanInterface each = report.lanInterface();
      lan |= each.up() && !each.loopback() && !each.addresses().isEmpty();
      found.accept(describe(report));
    }
    if (!lan) {
      found.accept(
          Finding.note(
              Area.INTERFACES,
              "network",
              "there is none but loopback: peers on this host only. Connect to a LAN to reach"
                  + " others"));
    }
    if (discovery) {
      reports.forEach(report -> multicast(report, named));
      NetworkChecks.Result port = NetworkChecks.multicastDnsPort();
      found.accept(
          new Finding(
              Area.DISCOVERY,
              port.subject(),
              port.good() ? Verdict.GOOD : named ? Verdict.NOTE : Verdict.BAD,
              port.finding(),
              java.util.Map.of()));
    }
    return reports;
  }

  private static Finding describe(InterfaceReport report) {
    LanInterface each = report.lanInterface();
    List<String> addresses = new ArrayList<>();
    for (InetAddress address : each.addresses()) {
      String text = address.getHostAddress();
      int scope = text.indexOf('%'); // says the interface again
      addresses.add(scope < 0 ? text : text.substring(0, scope));
    }
    StringBuilder text = new StringBuilder(each.kind().text());
    if (!addresses.isEmpty()) {
      text.append(", ").append(String.join(" ", addresses));
    }
    text.append(each.mtu() > 0 ? String.format(Locale.ROOT, ", MTU %d", each.mtu()) : "");
    text.append(each.multicast() || each.loopback() ? "" : ", no multicast");
    if (report.used().isEmpty()) {
      text.append("; not used to find peers: ").append(report.reason());
      return Finding.note(Area.INTERFACES, each.name(), text.toString());
    }
    return Finding.good(Area.INTERFACES, each.name(), text.toString());
  }

  private void multicast(InterfaceReport report, boolean named) {
    for (InetAddress address : report.used()) {
      NetworkChecks.Result result =
          NetworkChecks.multicast(report.lanInterface(), address, TIMEOUT_MILLIS);
      Verdict verdict = result.good() ? Verdict.GOOD : named ? Verdict.NOTE : Verdict.BAD;
      found.accept(
          new Finding(
              Area.DISCOVERY,
              result.subject(),
              verdict,
              result.finding(),
              java.util.Map.of("seconds", result.seconds())));
    }
  }

  /** Whether this host reaches the port at the addresses that others would use. */
  void reachesItself(List<InetSocketAddress> listening, List<InterfaceReport> interfaces) {
    for (InetSocketAddress at : listening) {
      List<InetSocketAddress> own = new ArrayList<>();
      if (at.getAddress().isAnyLocalAddress()) {
        addresses(interfaces).forEach(each -> own.add(new InetSocketAddress(each, at.getPort())));
      } else {
        own.add(at);
      }
      if (own.isEmpty()) {
        found.accept(
            Finding.note(
                Area.LISTENING,
                PeerVisit.text(at),
                "listens, but no interface has an address at which others could dial"));
      }
      for (InetSocketAddress address : own) {
        NetworkChecks.Result result = NetworkChecks.connect(address, TIMEOUT_MILLIS);
        String subject = PeerVisit.text(address);
        found.accept(
            result.good()
                ? Finding.good(Area.LISTENING, subject, "listens, and this host reaches it")
                : Finding.bad(
                    Area.LISTENING,
                    subject,
                    "listens, but this host does not reach itself there: "
                        + result.finding()
                        + ". Look at the firewall of this host"));
      }
    }
  }

  /** Those at which others would dial; loopback only where there is no other. */
  private static List<InetAddress> addresses(List<InterfaceReport> interfaces) {
    List<InetAddress> lan = new ArrayList<>();
    List<InetAddress> loopback = new ArrayList<>();
    for (InterfaceReport report : interfaces) {
      for (InetAddress address : report.lanInterface().addresses()) {
        if (report.lanInterface().up() && !address.isLinkLocalAddress()) {
          (address.isLoopbackAddress() ? loopback : lan).add(address);
        }
      }
    }
    return lan.isEmpty() ? loopback : lan;
  }
}

package org.e2llm.transport.discovery;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.plan.Nic;
import org.jspecify.annotations.Nullable;

/**
 * A network interface of this host as it was when it was read.
 *
 * @param name as the system calls it, such as {@code wlan0}
 * @param addresses in the system's order; IPv6 ones carry their scope
 * @param pointToPoint a tunnel or modem: there is one other end and no LAN
 * @param multicast whether the system says that it carries multicast (Linux denies it for loopback,
 *     where it works all the same)
 * @param mtu longest packet in bytes; 0 if the system does not say
 */
public record LanInterface(
    String name,
    List<InetAddress> addresses,
    boolean up,
    boolean loopback,
    boolean pointToPoint,
    boolean multicast,
    int mtu) {
  /** What an interface leads to, as far as its name and the system tell. */
  public enum Kind {
    LOOPBACK("loopback"),
    TUNNEL("tunnel"),
    WIFI("Wi-Fi"),
    /** Of containers and virtual machines on this host. */
    VIRTUAL("virtual"),
    ETHERNET("Ethernet");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    /** For people. */
    public String text() {
      return text;
    }
  }

  private static final Logger LOG = Logger.getLogger(LanInterface.class.getName());

  public LanInterface {
    addresses = List.copyOf(addresses);
  }

  /** A guess by the names that Linux, macOS and Android give. */
  public Kind kind() {
    if (loopback) {
      return Kind.LOOPBACK;
    }
    boolean modem = name.startsWith("rmnet") || name.startsWith("ccmni");
    if (pointToPoint || modem || name.startsWith("tun") || name.startsWith("wg")) {
      return Kind.TUNNEL;
    }
    if (name.startsWith("wl") || name.startsWith("ath") || name.startsWith("ra")) {
      return Kind.WIFI;
    }
    boolean made = name.startsWith("docker") || name.startsWith("br-") || name.startsWith("veth");
    return made || name.startsWith("virbr") ? Kind.VIRTUAL : Kind.ETHERNET;
  }

  /**
   * How a host with these interfaces reaches others on its LAN, before any link is measured: by
   * Wi-Fi, one medium for everybody on it, where that is all there is.
   */
  public static Nic nic(List<LanInterface> all) {
    boolean wifi = false;
    for (LanInterface each : all) {
      if (each.up && !each.addresses.isEmpty()) {
        if (each.kind() == Kind.ETHERNET) {
          return Nic.GIGABIT_ETHERNET;
        }
        wifi |= each.kind() == Kind.WIFI;
      }
    }
    return wifi ? Nic.WIFI : Nic.GIGABIT_ETHERNET;
  }

  /** All interfaces of this host; empty where the system tells none. */
  public static List<LanInterface> all() {
    List<LanInterface> all = new ArrayList<>();
    try {
      Enumeration<NetworkInterface> interfaces = NetworkInterface.getNetworkInterfaces();
      while (interfaces != null && interfaces.hasMoreElements()) {
        NetworkInterface found = interfaces.nextElement();
        try {
          all.add(of(found));
        } catch (SocketException e) {
          LOG.log(Level.FINE, "interface {0} went away: {1}", new Object[] {found.getName(), e});
        }
      }
    } catch (SocketException e) {
      LOG.log(Level.FINE, "no network interfaces: {0}", e.toString());
    }
    return all;
  }

  static LanInterface of(NetworkInterface found) throws SocketException {
    return new LanInterface(
        found.getName(),
        Collections.list(found.getInetAddresses()),
        found.isUp(),
        found.isLoopback(),
        found.isPointToPoint(),
        found.supportsMulticast(),
        found.getMTU());
  }

  /**
   * The address with a scope, where it is one that means nothing without (link-local IPv6); else as
   * it is.
   *
   * @param source whose scope is taken if it has one; else this interface's is
   */
  InetAddress scoped(InetAddress address, @Nullable InetAddress source) {
    if (!isScoped(address)) {
      return address;
    }
    List<InetAddress> scopes = new ArrayList<>(addresses);
    if (source != null) {
      scopes.add(0, source);
    }
    for (InetAddress scope : scopes) {
      if (isScoped(scope) && ((Inet6Address) scope).getScopeId() > 0) {
        try {
          int id = ((Inet6Address) scope).getScopeId();
          return Inet6Address.getByAddress(null, address.getAddress(), id);
        } catch (UnknownHostException e) {
          throw new IllegalStateException("16 bytes are an IPv6 address", e);
        }
      }
    }
    return address;
  }

  private static boolean isScoped(InetAddress address) {
    return address instanceof Inet6Address && address.isLinkLocalAddress();
  }
}

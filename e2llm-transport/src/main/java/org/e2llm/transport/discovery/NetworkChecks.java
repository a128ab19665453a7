package org.e2llm.transport.discovery;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.MulticastSocket;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What a doctor looks at when peers do not find or reach each other. Each check blocks its caller
 * for at most the time given, leaves nothing behind, and never throws for what it finds.
 */
public final class NetworkChecks {
  /**
   * What a check found.
   *
   * @param subject what was checked, such as {@code multicast on wlan0 (192.168.1.5)}
   * @param finding in words; where it is bad, with what helps
   * @param seconds how long it took: of a connection, the round trip of its opening
   */
  public record Result(String subject, boolean good, String finding, double seconds) {}

  private static final int MDNS_PORT = 5353;
  private static final String GROUP_IPV4 = "224.0.0.251";
  private static final String GROUP_IPV6 = "ff02::fb";

  private NetworkChecks() {}

  /**
   * Whether a datagram to the group of multicast DNS comes back to this host through the interface
   * of a local address. What a switch, an access point or another host's firewall does with it does
   * not show here.
   */
  public static Result multicast(LanInterface lan, InetAddress local, int timeoutMillis) {
    String subject = "multicast on " + lan.name() + " (" + local.getHostAddress() + ")";
    long start = System.nanoTime();
    try (MulticastSocket socket = new MulticastSocket(0)) {
      NetworkInterface through = NetworkInterface.getByInetAddress(local);
      if (through == null) {
        return new Result(subject, false, "the address is gone", seconds(start));
      }
      boolean six = local instanceof Inet6Address;
      InetAddress group = InetAddress.getByName(six ? GROUP_IPV6 : GROUP_IPV4);
      socket.setNetworkInterface(through);
      socket.joinGroup(new InetSocketAddress(group, 0), through);
      socket.setTimeToLive(1);
      byte[] sent = ("e2llm " + start).getBytes(StandardCharsets.US_ASCII);
      socket.send(new DatagramPacket(sent, sent.length, group, socket.getLocalPort()));
      receive(socket, sent, start + TimeUnit.MILLISECONDS.toNanos(timeoutMillis));
      return new Result(subject, true, "works", seconds(start));
    } catch (SocketTimeoutException e) {
      return new Result(
          subject,
          false,
          "a datagram sent to the group did not come back: a firewall on this host drops multicast;"
              + " allow UDP port "
              + MDNS_PORT
              + ", or give peers by host and port",
          seconds(start));
    } catch (IOException | RuntimeException e) {
      return new Result(
          subject,
          false,
          "cannot be used (" + e.getMessage() + "); give peers by host and port",
          seconds(start));
    }
  }

  private static void receive(MulticastSocket socket, byte[] sent, long end) throws IOException {
    DatagramPacket packet = new DatagramPacket(new byte[256], 256);
    while (true) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        throw new SocketTimeoutException();
      }
      socket.setSoTimeout((int) left);
      packet.setLength(256);
      socket.receive(packet);
      if (Arrays.equals(sent, Arrays.copyOf(packet.getData(), packet.getLength()))) {
        return;
      }
    }
  }

  /** Whether the port of multicast DNS can be shared with others on this host. */
  public static Result multicastDnsPort() {
    String subject = "UDP port " + MDNS_PORT + " of multicast DNS";
    long start = System.nanoTime();
    try (MulticastSocket socket = new MulticastSocket(MDNS_PORT)) {
      return new Result(subject, socket.isBound(), "can be used", seconds(start));
    } catch (IOException | RuntimeException e) {
      return new Result(
          subject,
          false,
          "cannot be used (" + e.getMessage() + "): another program holds it for itself alone",
          seconds(start));
    }
  }

  /** Whether this host can listen on a TCP port; 0 for any. */
  public static Result listen(InetSocketAddress address) {
    String subject = "listening on " + text(address);
    long start = System.nanoTime();
    try (ServerSocket server = new ServerSocket()) {
      server.setReuseAddress(true);
      server.bind(address);
      return new Result(subject, true, "works", seconds(start));
    } catch (IOException | RuntimeException e) {
      return new Result(
          subject,
          false,
          "cannot be bound ("
              + e.getMessage()
              + "): another program has the port, or the address is not this host's",
          seconds(start));
    }
  }

  /**
   * Whether a TCP connection to a peer opens: one result per address of its name, or one for the
   * name. Says nothing but that; who answers is not looked at.
   */
  public static List<Result> connect(StaticPeer peer, int timeoutMillis) {
    List<Result> results = new ArrayList<>();
    long start = System.nanoTime();
    try {
      for (InetAddress address : InetAddress.getAllByName(peer.host())) {
        results.add(connect(new InetSocketAddress(address, peer.port()), timeoutMillis));
      }
    } catch (UnknownHostException | RuntimeException e) {
      results.add(
          new Result(
              "looking up " + peer.host(), false, Unreachable.because(e).text(), seconds(start)));
    }
    return results;
  }

  /** As {@link #connect(StaticPeer, int)}, of one address. */
  public static Result connect(InetSocketAddress address, int timeoutMillis) {
    String subject = "connecting to " + text(address);
    long start = System.nanoTime();
    try (Socket socket = new Socket()) {
      socket.connect(address, timeoutMillis);
      return new Result(subject, true, "opens", seconds(start));
    } catch (IOException | RuntimeException e) {
      return new Result(subject, false, Unreachable.because(e).text(), seconds(start));
    }
  }

  private static String text(InetSocketAddress address) {
    InetAddress host = address.getAddress();
    String name = host == null ? address.getHostString() : host.getHostAddress();
    return (host instanceof Inet6Address ? "[" + name + "]" : name) + ":" + address.getPort();
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}

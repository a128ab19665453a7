package org.e2llm.transport.doctor;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterException;
import org.e2llm.transport.discovery.Advertisement;
import org.e2llm.transport.discovery.Candidate;
import org.e2llm.transport.discovery.Discoveries;
import org.e2llm.transport.discovery.Discovery;
import org.e2llm.transport.discovery.DiscoveryListener;
import org.e2llm.transport.discovery.InterfaceReport;
import org.e2llm.transport.discovery.Unreachable;
import org.e2llm.transport.doctor.Finding.Area;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.ConnectionListener;
import org.e2llm.transport.net.Endpoint;
import org.e2llm.transport.net.EndpointOptions;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.trust.Identity;
import org.e2llm.transport.trust.Proof;
import org.jspecify.annotations.Nullable;

/**
 * Examines how this device would take part in a cluster: its interfaces, whether it can listen and
 * reaches itself, what discovery hears, and for each peer that was named or found whether it is
 * reached, lets us in, reaches us, and how fast the link is.
 *
 * <p>It takes an identity of its own for the time of the examination and dials bulk connections
 * only, so that it may run beside a peer on the same device and members take no notice of it.
 */
public final class Doctor {
  /** How long announcements may take: jmDNS probes for a second, others answer within another. */
  private static final long LISTEN_MILLIS = 5_000;

  private final Cluster cluster;
  private final Consumer<Finding> told;
  private final List<Finding> findings = new ArrayList<>();
  private final Visitors visitors = new Visitors();

  private Doctor(Cluster cluster, Consumer<Finding> told) {
    this.cluster = cluster;
    this.told = told;
  }

  /**
   * Examines; takes some seconds, and up to ten more for each peer that does not answer.
   *
   * @param told of each finding at once, on the calling thread
   * @return all findings
   * @throws InterruptedException if the calling thread is interrupted
   */
  public static List<Finding> examine(Cluster cluster, Consumer<Finding> told)
      throws InterruptedException {
    Doctor doctor = new Doctor(cluster, told);
    doctor.examine();
    return List.copyOf(doctor.findings);
  }

  private void examine() throws InterruptedException {
    boolean named = !cluster.peers().isEmpty();
    List<InterfaceReport> interfaces =
        new Surroundings(this::found).interfaces(cluster.discovery(), named);
    try (Endpoint endpoint = open()) {
      if (endpoint == null) {
        return; // that is the finding
      }
      new Surroundings(this::found).reachesItself(endpoint.addresses(), interfaces);
      Map<String, List<InetSocketAddress>> peers = new LinkedHashMap<>();
      for (Cluster.Address address : cluster.peers()) {
        peers.put(address.toString(), resolve(address));
      }
      if (cluster.discovery()) {
        discover(endpoint, interfaces, peers);
      }
      PeerVisit visit = new PeerVisit(endpoint, visitors::hello, this::found);
      Set<String> met = new LinkedHashSet<>();
      for (Map.Entry<String, List<InetSocketAddress>> peer : peers.entrySet()) {
        visit.visit(peer.getKey(), peer.getValue(), met);
      }
      if (peers.isEmpty() && !cluster.discovery()) {
        found(
            Finding.bad(
                Area.PEERS,
                "none",
                "no peer was named, and discovery is off: name one with --join HOST:PORT"));
      }
    }
  }

  private void found(Finding finding) {
    findings.add(finding);
    told.accept(finding);
  }

  private @Nullable Endpoint open() {
    Cluster.Address at = cluster.listen();
    InetSocketAddress address =
        at == null ? new InetSocketAddress(0) : new InetSocketAddress(at.host(), at.port());
    String subject = at == null ? "any port, all interfaces" : at.toString();
    if (address.isUnresolved()) {
      found(Finding.bad(Area.LISTENING, subject, "the name has no address: give a numeric one"));
      return null;
    }
    try {
      return Endpoint.open(
          EndpointOptions.listening(address),
          Identity.create(),
          cluster.secret(),
          Hello.of(cluster.name(), "doctor"),
          visitors);
    } catch (ClusterException e) {
      found(
          Finding.bad(
              Area.LISTENING,
              subject,
              e.getMessage()
                  + ". Another program has the port (a peer that runs here? then leave --listen"
                  + " out), or the address is not this host's"));
      return null;
    }
  }

  private List<InetSocketAddress> resolve(Cluster.Address address) {
    List<InetSocketAddress> all = new ArrayList<>();
    try {
      for (InetAddress each : InetAddress.getAllByName(address.host())) {
        all.add(new InetSocketAddress(each, address.port()));
      }
    } catch (UnknownHostException e) {
      found(Finding.bad(Area.PEERS, address.toString(), Unreachable.because(e).text()));
    }
    return all;
  }

  // Discovery.

  private void discover(
      Endpoint endpoint,
      List<InterfaceReport> interfaces,
      Map<String, List<InetSocketAddress>> peers)
      throws InterruptedException {
    Map<String, Candidate> heard = new ConcurrentHashMap<>();
    Map<String, Candidate> strangers = new ConcurrentHashMap<>();
    InetSocketAddress own = endpoint.address();
    int port = own == null ? 0 : own.getPort();
    String tag = Proof.discoveryTag(cluster.secret(), cluster.name());
    Discovery discovery = Discoveries.choose();
    List<InterfaceReport> used;
    try {
      discovery.start(new Advertisement(port, tag), listener(heard, strangers));
      TimeUnit.MILLISECONDS.sleep(LISTEN_MILLIS);
      used = discovery.interfaces();
    } finally {
      discovery.close();
    }
    for (InterfaceReport report : used) {
      if (!report.used().isEmpty()) {
        found(
            Finding.good(
                Area.DISCOVERY,
                report.lanInterface().name(),
                "announces " + Discovery.SERVICE_TYPE + " port " + port));
      } else if (wasUsed(report, interfaces)) {
        found(Finding.bad(Area.DISCOVERY, report.lanInterface().name(), report.reason()));
      }
    }
    Set<String> named = new LinkedHashSet<>();
    peers.values().forEach(all -> all.forEach(each -> named.add(each.toString())));
    for (Candidate candidate : heard.values()) {
      boolean known =
          candidate.endpoints().stream().anyMatch(each -> named.contains(each.toString()));
      if (!known) {
        InetSocketAddress first = candidate.endpoints().get(0);
        peers.put(PeerVisit.text(first), candidate.endpoints());
      }
    }
    boolean leavesHost =
        used.stream().anyMatch(each -> !each.used().isEmpty() && !each.lanInterface().loopback());
    heard(heard.size(), leavesHost, strangers.values());
    discovery.awaitClosed(TimeUnit.SECONDS.toMillis(2));
  }

  private static boolean wasUsed(InterfaceReport report, List<InterfaceReport> before) {
    return before.stream()
        .anyMatch(
            each ->
                each.lanInterface().name().equals(report.lanInterface().name())
                    && !each.used().isEmpty());
  }

  private void heard(int heard, boolean leavesHost, Iterable<Candidate> strangers) {
    List<String> others = new ArrayList<>();
    strangers.forEach(each -> others.add(PeerVisit.text(each.endpoints().get(0))));
    if (heard > 0) {
      found(
          Finding.good(
              Area.DISCOVERY,
              "hears",
              heard + (heard == 1 ? " peer" : " peers") + " of this cluster"));
    }
    if (!others.isEmpty()) {
      String text =
          "peers with another cluster name or secret announce themselves at "
              + String.join(", ", others)
              + ": compare --cluster and the secret if one of them should be here";
      found(
          heard > 0
              ? Finding.note(Area.DISCOVERY, "others", text)
              : Finding.bad(Area.DISCOVERY, "others", text));
    } else if (heard == 0) {
      String text =
          "no peer was heard in "
              + LISTEN_MILLIS / 1000
              + " s: "
              + (leavesHost
                  ? "is one running on this LAN, with the same --cluster and secret, and discovery"
                      + " on? Guest Wi-Fi, client isolation, VLANs and firewalls (UDP port 5353)"
                      + " keep announcements from arriving: then name peers with --join HOST:PORT"
                  : "no interface that leads out of this host carries multicast. Name peers with"
                      + " --join HOST:PORT");
      found(
          cluster.peers().isEmpty()
              ? Finding.bad(Area.DISCOVERY, "hears", text)
              : Finding.note(Area.DISCOVERY, "hears", text));
    }
  }

  private static DiscoveryListener listener(
      Map<String, Candidate> heard, Map<String, Candidate> strangers) {
    return new DiscoveryListener() {
      @Override
      public void found(Candidate candidate) {
        heard.put(candidate.key(), candidate);
      }

      @Override
      public void updated(Candidate candidate) {
        heard.put(candidate.key(), candidate);
      }

      @Override
      public void gone(Candidate candidate) {}

      @Override
      public void stranger(Candidate candidate) {
        strangers.put(candidate.key(), candidate);
      }
    };
  }

  /** Peers that hear the announcement dial at once; they are told that nobody lives here. */
  private static final class Visitors implements ConnectionListener {
    private final Map<Connection, Hello> hellos = new ConcurrentHashMap<>();

    @Nullable Hello hello(Connection connection) {
      return hellos.get(connection);
    }

    @Override
    public void opened(Connection connection, Hello hello) {
      hellos.put(connection, hello);
      if (connection.lane() == Lane.HOT) {
        connection.close("a doctor that only looks");
      }
    }

    @Override
    public void received(Connection connection, byte type, ByteBuffer payload) {}

    @Override
    public void closed(Connection connection, Throwable why) {
      hellos.remove(connection);
    }
  }
}

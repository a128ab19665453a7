package org.e2llm.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Plan;
import org.e2llm.serving.GenerationService;
import org.e2llm.spi.ClusterLink;
import org.e2llm.spi.Engine;
import org.e2llm.spi.TransportProvider;
import org.e2llm.transport.cluster.PeerInfo;
import org.e2llm.transport.cluster.Sharing;
import org.e2llm.transport.discovery.Advertisement;
import org.e2llm.transport.discovery.Candidate;
import org.e2llm.transport.discovery.Discovery;
import org.e2llm.transport.discovery.DiscoveryListener;
import org.e2llm.transport.discovery.JmdnsDiscovery;
import org.e2llm.transport.discovery.StaticPeer;
import org.e2llm.transport.discovery.StaticPeers;
import org.e2llm.transport.discovery.Unreachable;
import org.e2llm.transport.net.Endpoint;
import org.e2llm.transport.net.EndpointOptions;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.trust.Identity;
import org.e2llm.transport.trust.IdentityStore;
import org.e2llm.transport.trust.Proof;
import org.jspecify.annotations.Nullable;

/**
 * Joins clusters on the LAN: finds peers, dials them, and leaves the rest to {@link ClusterPeer}.
 */
public final class LanTransport implements TransportProvider {
  private static final Logger LOG = Logger.getLogger(LanTransport.class.getName());

  @Override
  public ClusterLink join(Joining joining) {
    Path folder = joining.cluster().folder();
    Path home = folder != null ? folder : Paths.get(System.getProperty("user.home", "."), ".e2llm");
    IdentityStore identity;
    try {
      identity = Identity.open(home.resolve("identity"));
    } catch (IOException e) {
      throw new ClusterException(
          "the identity of this device cannot be kept in " + home + ": " + e.getMessage(), e);
    }
    try {
      return new Member(joining, identity);
    } catch (RuntimeException | Error e) {
      closeQuietly(identity);
      throw e;
    }
  }

  private static void closeQuietly(IdentityStore identity) {
    try {
      identity.close();
    } catch (IOException e) {
      // The lock goes with the process at the latest.
      LOG.log(Level.FINE, "closing an identity failed", e);
    }
  }

  /** This device in one cluster. */
  private static final class Member implements ClusterLink {
    private final IdentityStore identity;
    private final ClusterPeer peer;
    private final Endpoint endpoint;
    private final StaticPeers statics;
    private final @Nullable Discovery discovery;

    Member(Joining joining, IdentityStore identity) {
      this.identity = identity;
      Cluster cluster = joining.cluster();
      String self = identity.identity().id();
      String name = cluster.deviceName().isEmpty() ? hostName() : cluster.deviceName();
      peer = new ClusterPeer(joining, self, info(joining, self, name));
      Hello hello = Hello.of(cluster.name(), name).withModel("", settings(joining.engine()));
      endpoint =
          Endpoint.open(
              EndpointOptions.listening(listen(cluster)),
              identity.identity(),
              cluster.secret(),
              hello,
              peer.connections());
      peer.start(endpoint, Addresses.reachable(endpoint.addresses()));
      List<StaticPeer> named = new ArrayList<>();
      for (Cluster.Address address : cluster.peers()) {
        named.add(new StaticPeer(address.host(), address.port()));
      }
      long seed = self.hashCode() * 31L + System.nanoTime();
      statics = new StaticPeers(named, this::dial, StaticPeers.Pace.DEFAULT, seed);
      discovery = cluster.discovery() ? discover(cluster) : null;
    }

    private static PeerInfo info(Joining joining, String self, String name) {
      DeviceProfile given = joining.profile();
      DeviceProfile profile =
          given == null
              ? null
              : new DeviceProfile(
                  self,
                  name,
                  given.prefillFlops(),
                  given.decodeFlops(),
                  given.memoryBandwidth(),
                  given.stepSeconds(),
                  given.memoryBytes(),
                  given.fma(),
                  given.nic());
      PeerDetails details = PeerDetails.of(profile, joining.options());
      return new PeerInfo(
          name,
          List.of(),
          profile == null ? Sharing.NONE : Sharing.ACTIVE,
          profile == null ? 0 : 1,
          details.wishes() ? 1 : 0,
          details.toBytes());
    }

    /** What all peers must agree on. */
    private static Map<String, String> settings(Engine engine) {
      Map<String, String> settings = new TreeMap<>();
      settings.put("model", engine.modelSpec().name());
      settings.put("parameters", Long.toString(engine.modelSpec().parameterCount()));
      settings.put("quantization", engine.modelSpec().quantization());
      settings.put("kvType", engine.kvType().name());
      settings.put("context", Integer.toString(engine.contextLength()));
      settings.put("arithmetic", "F32");
      return settings;
    }

    private static InetSocketAddress listen(Cluster cluster) {
      Cluster.Address at = cluster.listen();
      if (at == null) {
        return new InetSocketAddress(0);
      }
      InetSocketAddress address = new InetSocketAddress(at.host(), at.port());
      if (address.isUnresolved()) {
        throw new ClusterException("the address to listen at, " + at + ", is unknown");
      }
      return address;
    }

    private static String hostName() {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException e) {
        return "device";
      }
    }

    private void dial(StaticPeer named, List<InetSocketAddress> addresses) {
      List<InetSocketAddress> left = new ArrayList<>(addresses);
      dialNext(named, left, null);
    }

    private void dialNext(
        StaticPeer named, List<InetSocketAddress> left, @Nullable Throwable before) {
      if (left.isEmpty()) {
        Throwable why = before == null ? new UnknownHostException(named.host()) : before;
        statics.failed(named, unreachable(why));
        return;
      }
      InetSocketAddress address = left.remove(0);
      endpoint
          .connect(address, Lane.HOT)
          .whenComplete(
              (connection, error) -> {
                if (error != null) {
                  dialNext(named, left, error);
                } else {
                  statics.connected(named);
                }
              });
    }

    private static Unreachable unreachable(Throwable why) {
      return why instanceof ClusterException && why.getCause() == null
          ? Unreachable.turnedAway(String.valueOf(why.getMessage()))
          : Unreachable.because(why.getCause() == null ? why : why.getCause());
    }

    private @Nullable Discovery discover(Cluster cluster) {
      Discovery found = new JmdnsDiscovery();
      InetSocketAddress at = endpoint.address();
      found.start(
          new Advertisement(
              at == null ? 0 : at.getPort(), Proof.discoveryTag(cluster.secret(), cluster.name())),
          new DiscoveryListener() {
            @Override
            public void found(Candidate candidate) {
              peer.dial(new ArrayDeque<>(candidate.endpoints()), () -> {});
            }

            @Override
            public void updated(Candidate candidate) {
              found(candidate);
            }

            @Override
            public void gone(Candidate candidate) {}
          });
      return found;
    }

    @Override
    public GenerationService sessions() {
      return peer.sessions();
    }

    @Override
    public ClusterStatus status() {
      return peer.status();
    }

    @Override
    public void force(@Nullable Plan plan) {
      peer.force(plan);
    }

    @Override
    public void pause() {
      peer.pause();
    }

    @Override
    public void resume() {
      peer.resume();
    }

    @Override
    public void close() {
      statics.close();
      if (discovery != null) {
        try {
          discovery.close();
        } catch (Exception e) {
          throw new ClusterException("discovery did not end: " + e.getMessage(), e);
        }
      }
      peer.close();
      closeQuietly(identity);
    }
  }
}

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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterEvent;
import org.e2llm.cluster.ClusterException;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;
import org.e2llm.transport.discovery.Advertisement;
import org.e2llm.transport.discovery.Candidate;
import org.e2llm.transport.discovery.Discoveries;
import org.e2llm.transport.discovery.Discovery;
import org.e2llm.transport.discovery.DiscoveryListener;
import org.e2llm.transport.discovery.StaticPeer;
import org.e2llm.transport.discovery.StaticPeers;
import org.e2llm.transport.discovery.Unreachable;
import org.e2llm.transport.net.Endpoint;
import org.e2llm.transport.net.EndpointOptions;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.slice.SliceOptions;
import org.e2llm.transport.trust.Identity;
import org.e2llm.transport.trust.IdentityStore;
import org.e2llm.transport.trust.Proof;
import org.jspecify.annotations.Nullable;

/**
 * This device on the LAN: its identity, where it listens, whom it finds and dials, and the bytes of
 * a model that it exchanges. Needs no open model: that may come from the peers it finds.
 */
final class Lan implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(Lan.class.getName());

  private final IdentityStore identity;
  private final Endpoint endpoint;
  private final StaticPeers statics;
  private final @Nullable Discovery discovery;
  private final PeerConnections connections;
  private final Slices slices;
  private final Refusals refusals;
  private final String name;
  private Hello hello;

  /**
   * Listens, and begins to look for peers.
   *
   * @param file the app's own, or null to take the cluster's model
   * @throws ClusterException if it cannot listen, or has no identity
   */
  Lan(
      Cluster cluster,
      @Nullable ModelSource file,
      Function<ModelSource, ModelLayout> layouts,
      Consumer<ClusterEvent> events) {
    Path folder = cluster.folder();
    Path home = folder != null ? folder : Paths.get(System.getProperty("user.home", "."), ".e2llm");
    identity = open(home);
    try {
      String self = identity.identity().id();
      name = cluster.deviceName().isEmpty() ? hostName() : cluster.deviceName();
      hello = Hello.of(cluster.name(), name).withModel(cluster.modelId(), Map.of());
      refusals = new Refusals(events);
      slices = new Slices(self, cluster, home, layouts, SliceOptions.defaults(), events);
      connections = new PeerConnections(self, slices, refusals);
      endpoint =
          Endpoint.open(
              EndpointOptions.listening(listen(cluster)),
              identity.identity(),
              cluster.secret(),
              hello,
              connections);
    } catch (RuntimeException | Error e) {
      closeQuietly(identity);
      throw e;
    }
    if (file != null) {
      slices.hash(file);
    }
    slices.start(connections, (addresses, lane) -> dial(addresses, lane, () -> {}));
    slices.modelId().thenAccept(this::identified);
    List<StaticPeer> named = new ArrayList<>();
    for (Cluster.Address address : cluster.peers()) {
      named.add(new StaticPeer(address.host(), address.port()));
    }
    long seed = identity.identity().id().hashCode() * 31L + System.nanoTime();
    statics = new StaticPeers(named, this::dial, StaticPeers.Pace.DEFAULT, seed);
    discovery = cluster.discovery() ? discover(cluster) : null;
  }

  private static IdentityStore open(Path home) {
    try {
      return Identity.open(home.resolve("identity"));
    } catch (IOException e) {
      throw new ClusterException(
          "the identity of this device cannot be kept in " + home + ": " + e.getMessage(), e);
    }
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

  String self() {
    return identity.identity().id();
  }

  /** What people call this device. */
  String name() {
    return name;
  }

  Endpoint endpoint() {
    return endpoint;
  }

  PeerConnections connections() {
    return connections;
  }

  Slices slices() {
    return slices;
  }

  Refusals refusals() {
    return refusals;
  }

  /**
   * Takes part from now on.
   *
   * @param settings that all devices of the cluster must have alike
   */
  void attach(PeerConnections.Events events, Map<String, String> settings) {
    Hello changed;
    synchronized (this) {
      hello = hello.withModel(hello.modelId(), settings);
      changed = hello;
      endpoint.hello(changed);
    }
    connections.attach(events, changed);
  }

  private synchronized void identified(String modelId) {
    hello = hello.withModel(modelId, hello.settings());
    endpoint.hello(hello);
  }

  /** Tries one address after the other until one answers. */
  void dial(ArrayDeque<InetSocketAddress> addresses, Lane lane, Runnable failed) {
    InetSocketAddress address = addresses.poll();
    if (address == null) {
      failed.run();
      return;
    }
    endpoint
        .connect(address, lane)
        .whenComplete(
            (connection, error) -> {
              if (error != null) {
                LOG.log(Level.FINE, "dialling " + address + " failed", error);
                refused(address, error);
                dial(addresses, lane, failed);
              }
            });
  }

  private void refused(InetSocketAddress address, Throwable error) {
    Throwable why = error.getCause() instanceof ClusterException ? error.getCause() : error;
    if (why instanceof ClusterException cause) {
      refusals.refused(Addresses.format(address.getAddress(), address.getPort()), cause);
    }
  }

  private void dial(StaticPeer named, List<InetSocketAddress> addresses) {
    dialNext(named, new ArrayList<>(addresses), null);
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
                refused(address, error);
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

  private Discovery discover(Cluster cluster) {
    Discovery found = Discoveries.choose();
    InetSocketAddress at = endpoint.address();
    found.start(
        new Advertisement(
            at == null ? 0 : at.getPort(), Proof.discoveryTag(cluster.secret(), cluster.name())),
        new DiscoveryListener() {
          @Override
          public void found(Candidate candidate) {
            dial(new ArrayDeque<>(candidate.endpoints()), Lane.HOT, () -> {});
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

  /** Looks for nobody any more; connections stay. */
  void stopLooking() {
    statics.close();
    if (discovery != null) {
      try {
        discovery.close();
      } catch (Exception e) {
        throw new ClusterException("discovery did not end: " + e.getMessage(), e);
      }
    }
  }

  /** Ends connections and gives the identity back; {@link #slices} are the caller's to close. */
  @Override
  public void close() {
    endpoint.close();
    awaitClosed();
    closeQuietly(identity);
  }

  /** The app may open another one on the same port at once. */
  private void awaitClosed() {
    try {
      endpoint.closed().get(5, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      LOG.log(Level.FINE, "the endpoint has not ended", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
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
}

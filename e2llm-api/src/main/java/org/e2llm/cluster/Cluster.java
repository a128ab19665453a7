package org.e2llm.cluster;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.e2llm.InvalidRequestException;
import org.jspecify.annotations.Nullable;

/**
 * Which cluster to join, and how to find it. Immutable; made by {@link #named}.
 *
 * <pre>{@code
 * Cluster.named("kitchen").secret(secret).peer("192.168.1.20", 7373)
 * }</pre>
 */
public final class Cluster {
  /**
   * Where a peer is, as the app says it.
   *
   * @param host name or address
   * @param port 0 for any free one, where this device listens
   */
  public record Address(String host, int port) {
    public Address {
      if (host.isEmpty() || port < 0 || port > 65535) {
        throw new InvalidRequestException(
            "address " + host + ":" + port + ", expected is a host and a port from 0 to 65535");
      }
    }

    @Override
    public String toString() {
      return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    }
  }

  private final String name;
  private final @Nullable Secret secret;
  private final List<Address> peers;
  private final @Nullable Address listen;
  private final boolean discovery;
  private final @Nullable Path folder;
  private final String deviceName;
  private final SliceCache cache;
  private final String modelId;

  private Cluster(
      String name,
      @Nullable Secret secret,
      List<Address> peers,
      @Nullable Address listen,
      boolean discovery,
      @Nullable Path folder,
      String deviceName,
      SliceCache cache,
      String modelId) {
    this.name = name;
    this.secret = secret;
    this.peers = peers;
    this.listen = listen;
    this.discovery = discovery;
    this.folder = folder;
    this.deviceName = deviceName;
    this.cache = cache;
    this.modelId = modelId;
  }

  /** Peers of equal cluster name and secret join. */
  public static Cluster named(String name) {
    if (name.isEmpty() || name.length() > 64) {
      throw new InvalidRequestException(
          "cluster name of " + name.length() + " characters, expected are 1 to 64");
    }
    return new Cluster(name, null, List.of(), null, true, null, "", SliceCache.DEFAULT, "");
  }

  /** What all members know and nobody else does; must not be wiped as long as the model is open. */
  public Cluster secret(Secret shared) {
    Objects.requireNonNull(shared, "shared");
    return new Cluster(name, shared, peers, listen, discovery, folder, deviceName, cache, modelId);
  }

  /** A peer to dial, where discovery does not find it; may be called several times. */
  public Cluster peer(String host, int port) {
    List<Address> more = new ArrayList<>(peers);
    more.add(new Address(host, port));
    return new Cluster(
        name, secret, List.copyOf(more), listen, discovery, folder, deviceName, cache, modelId);
  }

  /** Where to listen; unset, at any free port of all interfaces. */
  public Cluster listen(String host, int port) {
    Address at = new Address(host, port);
    return new Cluster(name, secret, peers, at, discovery, folder, deviceName, cache, modelId);
  }

  /** Neither announces this device nor looks for others: only {@link #peer} and who dials it. */
  public Cluster withoutDiscovery() {
    return new Cluster(name, secret, peers, listen, false, folder, deviceName, cache, modelId);
  }

  /** Where this device keeps its identity; unset, {@code .e2llm} in the user's home. */
  public Cluster folder(Path kept) {
    Objects.requireNonNull(kept, "kept");
    return new Cluster(name, secret, peers, listen, discovery, kept, deviceName, cache, modelId);
  }

  /** What people call this device; unset, its host name. */
  public Cluster deviceName(String called) {
    return new Cluster(name, secret, peers, listen, discovery, folder, called, cache, modelId);
  }

  /** Where bytes of the model are kept that come from peers, and how many. */
  public Cluster cache(SliceCache kept) {
    Objects.requireNonNull(kept, "kept");
    return new Cluster(name, secret, peers, listen, discovery, folder, deviceName, kept, modelId);
  }

  /**
   * Takes part with this model only; unset, with the file that is opened or, without one, with the
   * model that the first peer holds.
   *
   * @param pinned {@link ClusterStatus#modelId()} of a device that has it: 64 hex characters
   */
  public Cluster modelId(String pinned) {
    if (!pinned.matches("[0-9a-f]{64}")) {
      throw new InvalidRequestException(
          "model id \"" + pinned + "\", expected are 64 characters from 0 to 9 and a to f");
    }
    return new Cluster(name, secret, peers, listen, discovery, folder, deviceName, cache, pinned);
  }

  public String name() {
    return name;
  }

  /**
   * What was given.
   *
   * @throws InvalidRequestException if nothing was
   */
  public Secret secret() {
    if (secret == null) {
      throw new InvalidRequestException(
          "cluster "
              + name
              + " has no secret: give all its devices the same, made by"
              + " Secret.generate()");
    }
    return secret;
  }

  public List<Address> peers() {
    return peers;
  }

  /** Null for any port of all interfaces. */
  public @Nullable Address listen() {
    return listen;
  }

  public boolean discovery() {
    return discovery;
  }

  /** Null for the default. */
  public @Nullable Path folder() {
    return folder;
  }

  /** Empty for the default. */
  public String deviceName() {
    return deviceName;
  }

  public SliceCache cache() {
    return cache;
  }

  /** The one that was pinned, or empty. */
  public String modelId() {
    return modelId;
  }
}

package org.e2llm.cluster;

import java.util.List;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Plan;
import org.jspecify.annotations.Nullable;

/**
 * A cluster at a moment, as one of its devices sees it.
 *
 * @param name of the cluster
 * @param self id of this device
 * @param modelId SHA-256 of the model's manifest, 64 hex characters; empty while a new file is
 *     being hashed
 * @param address where it listens, {@code host:port}; empty if it does not
 * @param coordinator id of the peer that makes plans; empty before there is one
 * @param plan in force, or null
 * @param ready whether all devices of the plan serve
 * @param problem why there is no plan that works; empty if there is one, or none was tried
 * @param traffic bytes of the model that went between this device and others
 * @param peers all that are there, this device among them
 */
public record ClusterStatus(
    String name,
    String self,
    String modelId,
    String address,
    String coordinator,
    @Nullable Plan plan,
    boolean ready,
    String problem,
    Traffic traffic,
    List<Peer> peers) {
  public ClusterStatus {
    peers = List.copyOf(peers);
  }

  /**
   * Bytes of the model, since this device joined.
   *
   * @param fetchedBytes taken from peers and verified
   * @param servedBytes given to peers
   */
  public record Traffic(long fetchedBytes, long servedBytes) {}

  /**
   * A peer.
   *
   * @param id of its certificate
   * @param name for people
   * @param addresses where it listens
   * @param profile what it offers; null if it only asks
   * @param full whether its app has the model's file
   * @param layers that it holds on disk; empty where {@code full}
   * @param direct whether this device reaches it without going through another
   * @param bytesSent to it over the hot connection, before encryption
   * @param bytesReceived from it over the hot connection
   * @param roundTripSeconds smoothed; 0 if it was not measured
   */
  public record Peer(
      String id,
      String name,
      List<String> addresses,
      @Nullable DeviceProfile profile,
      boolean full,
      List<LayerRange> layers,
      boolean direct,
      long bytesSent,
      long bytesReceived,
      double roundTripSeconds) {
    public Peer {
      addresses = List.copyOf(addresses);
      layers = List.copyOf(layers);
    }
  }
}

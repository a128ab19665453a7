package org.e2llm.cluster;

import java.util.List;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Plan;
import org.jspecify.annotations.Nullable;

/**
 * A cluster at a moment, as one of its devices sees it.
 *
 * @param name of the cluster
 * @param self id of this device
 * @param address where it listens, {@code host:port}; empty if it does not
 * @param coordinator id of the peer that makes plans; empty before there is one
 * @param plan in force, or null
 * @param ready whether all devices of the plan serve
 * @param problem why there is no plan that works; empty if there is one, or none was tried
 * @param peers all that are there, this device among them
 */
public record ClusterStatus(
    String name,
    String self,
    String address,
    String coordinator,
    @Nullable Plan plan,
    boolean ready,
    String problem,
    List<Peer> peers) {
  public ClusterStatus {
    peers = List.copyOf(peers);
  }

  /**
   * A peer.
   *
   * @param id of its certificate
   * @param name for people
   * @param addresses where it listens
   * @param profile what it offers; null if it only asks
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
      boolean direct,
      long bytesSent,
      long bytesReceived,
      double roundTripSeconds) {
    public Peer {
      addresses = List.copyOf(addresses);
    }
  }
}

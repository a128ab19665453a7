package org.e2llm.cluster;

import java.util.List;
import java.util.Locale;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.LinkProfile;
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
 * @param forecast what is to be expected of the plan, and of single devices; null before it is
 *     known
 * @param traffic bytes of the model that went between this device and others
 * @param handoffs KV caches that went between replicas, as far as this device had to do with them;
 *     {@link #allHandoffs} has those of all
 * @param peers all that are there, this device among them
 * @param links as far as they were measured, each once, by its two ends in order
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
    @Nullable Forecast forecast,
    Traffic traffic,
    Handoffs handoffs,
    List<Peer> peers,
    List<LinkProfile> links) {
  public ClusterStatus {
    peers = List.copyOf(peers);
    links = List.copyOf(links);
  }

  /** What all stages that are there say of KV caches that went between replicas. */
  public Handoffs allHandoffs() {
    Handoffs all = Handoffs.NONE;
    for (Peer peer : peers) {
      all = peer.stage() == null ? all : all.plus(peer.stage().handoffs());
    }
    return all;
  }

  /**
   * Output tokens per second of one session at a time, by the planner's cost model.
   *
   * @param alone of this device without the others; 0 if it cannot hold the model, or shares
   *     nothing
   * @param best id of the device that would be fastest alone; empty if none can hold the model
   * @param bestAlone what that would be; 0 if there is none
   * @param together with the plan in force
   */
  public record Forecast(double alone, String best, double bestAlone, double together) {
    /** A sentence for people. */
    public String text() {
      if (alone == together && alone == bestAlone) {
        return rate(alone) + ", by this device alone";
      }
      return (alone > 0
              ? "alone " + rate(alone)
              : "alone this device cannot serve the model with what it shares")
          + ", with these "
          + rate(together)
          + (bestAlone > 0
              ? " (the fastest of them alone: " + rate(bestAlone) + ")"
              : " (none of them could alone)");
    }

    private static String rate(double tokensPerSecond) {
      return String.format(
          Locale.ROOT, tokensPerSecond < 10 ? "%.1f t/s" : "%.0f t/s", tokensPerSecond);
    }
  }

  /**
   * Bytes of the model, since this device joined.
   *
   * @param fetchedBytes taken from peers and verified
   * @param servedBytes given to peers
   */
  public record Traffic(long fetchedBytes, long servedBytes) {}

  /**
   * KV caches of prompts that one replica computes for another one, since this device joined.
   *
   * @param complete prompts of sessions hosted here whose whole KV cache came from another replica
   * @param broken those of which some did not come, and was computed here
   * @param sentBytes of KV that stages here sent
   * @param receivedBytes of KV that stages here took
   */
  public record Handoffs(long complete, long broken, long sentBytes, long receivedBytes) {
    /** There were none. */
    public static final Handoffs NONE = new Handoffs(0, 0, 0, 0);

    /** Both together. */
    public Handoffs plus(Handoffs other) {
      return new Handoffs(
          complete + other.complete,
          broken + other.broken,
          sentBytes + other.sentBytes,
          receivedBytes + other.receivedBytes);
    }
  }

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
   * @param stage what its stage does; null if it has none, or has not said so
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
      double roundTripSeconds,
      @Nullable StageLoad stage) {
    public Peer {
      addresses = List.copyOf(addresses);
      layers = List.copyOf(layers);
    }
  }

  /**
   * What a stage did lately: in the last second in which it did anything.
   *
   * @param layers of the stage
   * @param tokensPerSecond that went through it, of prompts and answers
   * @param stepSeconds of a mean decode step; 0 before the first
   * @param residual measured over predicted time of decode steps: 1.1 if they take a tenth longer
   *     than the cost model says; 0 before the first
   * @param sessions that this device hosts now, as the first stage of a replica
   * @param queued requests that wait for admission there
   * @param next device that its results go to; empty for a replica of one stage
   * @param bytesPerToken that went to it for each token, before encryption
   * @param handoffs that its device had to do with, since it joined
   */
  public record StageLoad(
      LayerRange layers,
      double tokensPerSecond,
      double stepSeconds,
      double residual,
      int sessions,
      int queued,
      String next,
      double bytesPerToken,
      Handoffs handoffs) {}
}

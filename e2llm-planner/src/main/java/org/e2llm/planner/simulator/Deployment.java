package org.e2llm.planner.simulator;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Network;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.StageCost;
import org.e2llm.serving.KvHandoff;

/**
 * A plan on its fleet: what every stage costs, and who is connected with whom how. Immutable, and
 * good for any number of simulations.
 *
 * <p>Replicas and stages are numbered as in the plan, devices as in the network.
 */
public final class Deployment {
  private final Plan plan;
  private final Network network;
  private final CostModel cost;
  private final int[][] devices;
  private final StageCost[][] stages;
  private final LinkProfile[][] hops;
  private final long hiddenBytesPerRow;
  private final Interfaces interfaces;
  private final List<List<LayerRange>> layers = new ArrayList<>();

  /**
   * Lays a plan on a fleet.
   *
   * @param cost of the plan's model; the plan's wire formats are taken
   * @throws InvalidRequestException if the fleet lacks a device, or stages are not connected
   */
  public Deployment(Plan plan, Network network, CostModel cost) {
    this.plan = plan;
    this.network = network;
    this.cost = cost.withWire(plan.wire());
    this.interfaces = new Interfaces(network);
    int n = plan.replicas().size();
    devices = new int[n][];
    stages = new StageCost[n][];
    hops = new LinkProfile[n][];
    hiddenBytesPerRow = this.cost.hiddenBytes(1);
    for (int r = 0; r < n; r++) {
      deploy(r, plan.replicas().get(r));
    }
  }

  private void deploy(int r, ReplicaPlan replica) {
    int size = replica.stages().size();
    devices[r] = new int[size];
    stages[r] = new StageCost[size];
    hops[r] = new LinkProfile[size - 1];
    List<LayerRange> ranges = new ArrayList<>();
    for (int s = 0; s < size; s++) {
      StagePlan stage = replica.stages().get(s);
      devices[r][s] = network.number(stage.device());
      stages[r][s] = this.cost.stage(network.device(devices[r][s]), stage.layers());
      ranges.add(stage.layers());
      int before = devices[r][s == 0 ? 0 : s - 1];
      if (!network.connected(before, devices[r][s])) {
        throw new InvalidRequestException(
            "replica "
                + r
                + ": "
                + network.device(before).id()
                + " is not connected with "
                + stage.device()
                + ", which has the layers after its own");
      }
      if (before != devices[r][s]) {
        hops[r][s - 1] = network.link(before, devices[r][s]);
      }
    }
    layers.add(ranges);
  }

  public Plan plan() {
    return plan;
  }

  public Network network() {
    return network;
  }

  public CostModel cost() {
    return cost;
  }

  Interfaces interfaces() {
    return interfaces;
  }

  /** Replicas. */
  public int replicas() {
    return devices.length;
  }

  /** Stages of a replica. */
  public int stages(int replica) {
    return devices[replica].length;
  }

  /** The device that has a stage. */
  public int device(int replica, int stage) {
    return devices[replica][stage];
  }

  /** What steps of a stage cost. */
  public StageCost stage(int replica, int stage) {
    return stages[replica][stage];
  }

  /** The link from a stage to the one after it. */
  public LinkProfile hop(int replica, int stage) {
    return hops[replica][stage];
  }

  /** Bytes that hidden states take between two stages. */
  long hiddenBytes(int rows) {
    return rows * hiddenBytesPerRow;
  }

  /** Seconds that a sampled token takes back to the first stage, if need be along the chain. */
  public double returnSeconds(int replica) {
    int[] chain = devices[replica];
    int last = chain[chain.length - 1];
    if (chain.length == 1) {
      return 0;
    }
    if (network.connected(last, chain[0])) {
      return network.link(last, chain[0]).latencySeconds();
    }
    double seconds = 0;
    for (int s = 0; s + 1 < chain.length; s++) {
      seconds += hop(replica, s).latencySeconds();
    }
    return seconds;
  }

  /** The most tokens that a replica can cache. */
  public int kvTokens(int replica) {
    return (int) Math.min(Integer.MAX_VALUE, plan.replicas().get(replica).kvTokens());
  }

  /** The owner pairs of a hand-off. */
  public List<KvHandoff.Pair> pairs(int prefill, int decode) {
    return KvHandoff.pairs(layers.get(prefill), layers.get(decode));
  }

  /** Whether every owner pair of a hand-off is connected. */
  public boolean connected(int prefill, int decode) {
    for (KvHandoff.Pair pair : pairs(prefill, decode)) {
      if (!network.connected(devices[prefill][pair.fromStage()], devices[decode][pair.toStage()])) {
        return false;
      }
    }
    return true;
  }
}

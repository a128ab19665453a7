package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Network;
import org.e2llm.plan.Nic;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.StageCost;
import org.jspecify.annotations.Nullable;

/**
 * Times and rates of a given chain of stages, straight from the cost model: for plans that a search
 * has found and for plans that somebody hands in.
 *
 * <pre>
 *   TTFT   = sum(stage(c) + link(c)) + (chunks − 1) · slowest of stage and link,  c = P / chunks
 *   TPOT   = max( sum(stage(b) + link(b)), m · slowest ),           m micro-batches, one per stage
 *   prefill seconds per request = slowest of  P/C · stage(C), NIC: hidden states and KV of P tokens
 *   decode seconds per request  = slowest of  O/b · stage(b), NIC: hidden states of O, KV of P tokens
 *   both                        = slowest of their sum, without KV on the NIC
 * </pre>
 *
 * <p>Nor can more requests be under way than the KV cache holds: each for its prompt and answer.
 *
 * <p>A shared medium is one more thing that may be the slowest: all bytes that the replica sends
 * over it count together.
 */
public final class ReplicaEstimator {
  private static final Role[] ROLES = Role.values();

  private final CostModel cost;
  private final Network network;
  private final Demand demand;

  /** Names of shared mediums: few, so that a number is soon found. */
  private final List<String> mediums = new ArrayList<>();

  public ReplicaEstimator(CostModel cost, Network network, Demand demand) {
    this.cost = cost;
    this.network = network;
    this.demand = demand;
    for (DeviceProfile device : network.devices()) {
      addMedium(device.nic().medium());
    }
    for (LinkProfile link : network.fleet().links()) {
      addMedium(link.medium());
    }
  }

  private void addMedium(@Nullable String medium) {
    if (medium != null && !mediums.contains(medium)) {
      mediums.add(medium);
    }
  }

  /** The most tokens that all stages can cache together; negative if the weights do not fit. */
  public long kvTokens(int[] devices, List<LayerRange> layers) {
    long tokens = Long.MAX_VALUE;
    for (int i = 0; i < devices.length; i++) {
      LayerRange range = layers.get(i);
      long memory = memoryBytes(devices, layers, i);
      tokens = Math.min(tokens, cost.model().tokensThatFit(range.from(), range.to(), memory));
    }
    return tokens;
  }

  /**
   * What a device offers a stage: all of its memory, or, where it has the first and the last one, a
   * part by its weights.
   */
  public long memoryBytes(int[] devices, List<LayerRange> layers, int stage) {
    long memory = network.device(devices[stage]).memoryBytes();
    int last = devices.length - 1;
    boolean end = last > 0 && (stage == 0 || stage == last) && devices[0] == devices[last];
    return end ? cost.model().part(memory, layers.get(stage), layers.get(last - stage)) : memory;
  }

  /**
   * What is expected at the batch that serves most requests within the limit on TPOT; of each
   * session by itself where that is what counts.
   *
   * @param devices one per stage, in order
   * @param layers one range per stage, none empty
   * @param role for which the batch is chosen
   */
  public ReplicaEstimate estimate(int[] devices, List<LayerRange> layers, Role role) {
    List<StageCost> costs = costs(devices, layers);
    ReplicaEstimate best = estimate(devices, layers, costs, 1);
    int levels = demand.latencyCounts() ? 1 : BatchLevels.COUNT;
    for (int level = 1; level < levels; level++) {
      int batch = BatchLevels.batch(level);
      if (BatchLevels.tokens(demand, batch, devices.length) > best.kvTokens()) {
        break;
      }
      ReplicaEstimate next = estimate(devices, layers, costs, batch);
      boolean faster =
          role == Role.MIXED
              ? next.mixedRate() > best.mixedRate()
              : next.decodeRate() > best.decodeRate();
      if (!faster || next.tpotSeconds() > demand.tpotLimit()) {
        break;
      }
      best = next;
    }
    return best;
  }

  /** What is expected at a given batch. */
  public ReplicaEstimate estimate(int[] devices, List<LayerRange> layers, int batch) {
    return estimate(devices, layers, costs(devices, layers), batch);
  }

  private ReplicaEstimate estimate(
      int[] devices, List<LayerRange> layers, List<StageCost> costs, int batch) {
    long tokens = kvTokens(devices, layers);
    double ttft = ttft(devices, costs);
    int most = demand.latencyCounts() ? demand.sessions() : batch * devices.length;
    int sessions = (int) Math.max(1, Math.min(most, tokens / demand.likely()));
    double tpot = tpot(devices, costs, batch, Math.min(devices.length, sessions));
    double answer = demand.output() * tpot;
    double[] rates = new double[ROLES.length]; // in a loop: it is much code to compile
    for (Role role : ROLES) {
      rates[role.ordinal()] = 1 / slowest(devices, layers, costs, batch, role);
    }
    return new ReplicaEstimate(
        ttft,
        tpot,
        handoff(devices, layers),
        batch,
        Math.min(rates[Role.PREFILL.ordinal()], Math.max(1, tokens / demand.prompt()) / ttft),
        Math.min(rates[Role.DECODE.ordinal()], sessions / answer),
        Math.min(
            rates[Role.MIXED.ordinal()], Math.max(1, tokens / demand.likely()) / (ttft + answer)),
        tokens);
  }

  /** Seconds from arrival to the last token of a mean request if so many run at the same time. */
  public double seconds(int[] devices, List<LayerRange> layers, int sessions) {
    List<StageCost> costs = costs(devices, layers);
    int lanes = Math.min(sessions, devices.length);
    int batch = (sessions + lanes - 1) / lanes;
    return ttft(devices, costs) + (demand.output() - 1) * tpot(devices, costs, batch, lanes);
  }

  /** How long a stage is busy for a mean request in a role. */
  public double busySeconds(int device, LayerRange layers, int batch, Role role) {
    return RequestCost.busy(cost, network.device(device), demand, layers, batch, role);
  }

  private List<StageCost> costs(int[] devices, List<LayerRange> layers) {
    List<StageCost> costs = new ArrayList<>(devices.length);
    for (int i = 0; i < devices.length; i++) {
      costs.add(cost.stage(network.device(devices[i]), layers.get(i)));
    }
    return costs;
  }

  private double ttft(int[] devices, List<StageCost> costs) {
    int chunks = demand.chunks();
    int rows = (int) Math.ceil(demand.prompt() / chunks);
    double sum = 0;
    double slowest = 0;
    for (int i = 0; i < devices.length; i++) {
      double seconds = costs.get(i).prefillSeconds(rows, demand.promptContext(), 0);
      sum += seconds;
      slowest = Math.max(slowest, seconds);
      if (i + 1 == devices.length) {
        sum += costs.get(i).prefillSeconds(rows, demand.promptContext(), 1) - seconds;
      } else {
        LinkProfile link = network.link(devices[i], devices[i + 1]);
        sum += cost.hiddenSeconds(link, rows);
        slowest = Math.max(slowest, cost.hiddenBytes(rows) / link.bytesPerSecond());
      }
    }
    return sum + (chunks - 1) * slowest;
  }

  private double tpot(int[] devices, List<StageCost> costs, int batch, int lanes) {
    double sum = 0;
    double slowest = 0;
    long cached = (long) (batch * demand.decodeContext());
    for (int i = 0; i < devices.length; i++) {
      double seconds = costs.get(i).decodeSeconds(batch, cached);
      sum += seconds;
      slowest = Math.max(slowest, seconds);
      if (devices.length > 1) {
        // From the last stage the token goes back to the first.
        boolean back = i + 1 == devices.length;
        if (back && devices[i] == devices[0]) {
          continue;
        }
        LinkProfile link = network.link(devices[i], devices[back ? 0 : i + 1]);
        sum += back ? link.latencySeconds() : cost.hiddenSeconds(link, batch);
        slowest = Math.max(slowest, back ? 0 : cost.hiddenBytes(batch) / link.bytesPerSecond());
      }
    }
    return Math.max(sum, lanes * slowest);
  }

  /** Every owner sends its part by itself, those on one medium one after the other. */
  private double handoff(int[] devices, List<LayerRange> layers) {
    double[] onMediums = new double[mediums.size()];
    double slowest = 0;
    for (int i = 0; i < devices.length; i++) {
      Nic nic = network.device(devices[i]).nic();
      double bytes = demand.prompt() * cost.handoffBytes(layers.get(i).size(), 1);
      double seconds = bytes / nic.bytesPerSecond();
      if (nic.medium() != null) {
        onMediums[mediums.indexOf(nic.medium())] += seconds;
        seconds = onMediums[mediums.indexOf(nic.medium())];
      }
      slowest = Math.max(slowest, seconds);
    }
    return slowest;
  }

  /** Of stages, links and shared mediums the one that is busy longest for a request. */
  private double slowest(
      int[] devices, List<LayerRange> layers, List<StageCost> costs, int batch, Role role) {
    double rows =
        (role == Role.DECODE ? 0 : demand.prompt()) + (role == Role.PREFILL ? 0 : demand.output());
    double hidden = rows * cost.hiddenBytes(1);
    double[] onMediums = new double[mediums.size()];
    double slowest = 0;
    for (int i = 0; i < devices.length; i++) {
      LayerRange range = layers.get(i);
      DeviceProfile device = network.device(devices[i]);
      double busy = RequestCost.busy(cost, costs.get(i), device, demand, range, batch, role);
      slowest = Math.max(slowest, busy);
      Nic nic = device.nic();
      if (nic.medium() != null && role != Role.MIXED) {
        double kv = demand.prompt() * cost.handoffBytes(range.size(), 1);
        onMediums[mediums.indexOf(nic.medium())] += kv / nic.bytesPerSecond();
      }
      if (i + 1 < devices.length) {
        LinkProfile link = network.link(devices[i], devices[i + 1]);
        slowest = Math.max(slowest, hidden / link.bytesPerSecond());
        if (link.medium() != null) {
          onMediums[mediums.indexOf(link.medium())] += hidden / link.bytesPerSecond();
        }
      }
    }
    for (double seconds : onMediums) {
      slowest = Math.max(slowest, seconds);
    }
    return slowest;
  }
}

package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Network;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.grouping.StageTables.Work;
import org.e2llm.planner.partition.CutProblem;
import org.e2llm.planner.partition.LayerCut;
import org.e2llm.planner.partition.LayerCutter;
import org.jspecify.annotations.Nullable;

/**
 * What a search may arrange, and what every group of it is worth: cut by dynamic programming,
 * reckoned once per sequence of equal devices.
 *
 * <p>Not thread-safe.
 */
public final class SearchSpace {
  private final CostModel cost;
  private final Network network;
  private final Demand demand;
  private final int[] devices;
  private final Map<Integer, LayerRange> pins;
  private final Set<Integer> preferred;
  private final int[] places;
  private final int[] kinds;
  private final List<StageTables> tables = new ArrayList<>();
  private final List<String> mediums;
  private final double[] mediumSpeeds;
  private final boolean fullyConnected;
  private final ReplicaEstimator estimator;
  private final LayerCutter cutter = new LayerCutter();
  private final Map<String, Memo> memo = new HashMap<>();

  private record Memo(@Nullable GroupShape shape) {}

  /**
   * Opens a space.
   *
   * @param devices numbers in the network of those that may be used
   * @param pins layers that a device must have, by number
   * @param preferred devices to be used where it costs little
   */
  public SearchSpace(
      CostModel cost,
      Network network,
      Demand demand,
      int[] devices,
      Map<Integer, LayerRange> pins,
      Set<Integer> preferred) {
    this.cost = cost;
    this.network = network;
    this.demand = demand;
    this.pins = Map.copyOf(pins);
    this.preferred = Set.copyOf(preferred);
    this.estimator = new ReplicaEstimator(cost, network, demand);
    this.devices = bySpeed(devices);
    this.places = new int[network.size()];
    for (int i = 0; i < this.devices.length; i++) {
      places[this.devices[i]] = i;
    }
    this.mediums = mediums();
    this.mediumSpeeds = mediumSpeeds();
    this.kinds = kinds();
    this.fullyConnected = connected(this.devices, this.devices);
  }

  /**
   * Those on the same medium together, the fastest first: the order in which groups are chained.
   */
  private int[] bySpeed(int[] numbers) {
    List<Integer> sorted = new ArrayList<>();
    for (int number : numbers) {
      sorted.add(number);
    }
    sorted.sort(
        Comparator.comparing((Integer i) -> medium(i))
            .thenComparing(i -> -network.device(i).prefillFlops())
            .thenComparing(i -> -network.device(i).memoryBytes())
            .thenComparing(i -> i));
    return sorted.stream().mapToInt(i -> i).toArray();
  }

  private String medium(int device) {
    String medium = network.device(device).nic().medium();
    return medium == null ? "" : medium;
  }

  private List<String> mediums() {
    Set<String> names = new TreeSet<>();
    for (int device : devices) {
      names.add(medium(device));
    }
    for (LinkProfile link : network.fleet().links()) {
      if (link.medium() != null) {
        names.add(link.medium());
      }
    }
    names.remove("");
    return List.copyOf(names);
  }

  /** Numbers of kinds, by device: equal where no plan can tell two devices apart. */
  private int[] kinds() {
    Set<String> ownLinks = new TreeSet<>();
    for (LinkProfile link : network.fleet().links()) {
      ownLinks.add(link.a());
      ownLinks.add(link.b());
    }
    int[] result = new int[network.size()];
    Arrays.fill(result, -1);
    List<Integer> firsts = new ArrayList<>();
    for (int device : devices) {
      DeviceProfile profile = network.device(device);
      boolean own =
          pins.containsKey(device) || preferred.contains(device) || ownLinks.contains(profile.id());
      int kind = own ? firsts.size() : kindOf(profile, firsts);
      if (kind == firsts.size()) {
        firsts.add(own ? -1 : device);
        tables.add(new StageTables(cost, profile, demand));
      }
      result[device] = kind;
    }
    return result;
  }

  private int kindOf(DeviceProfile profile, List<Integer> firsts) {
    for (int kind = 0; kind < firsts.size(); kind++) {
      int first = firsts.get(kind);
      if (first >= 0 && cost.sameCosts(network.device(first), profile)) {
        return kind;
      }
    }
    return firsts.size();
  }

  public CostModel cost() {
    return cost;
  }

  public Network network() {
    return network;
  }

  public Demand demand() {
    return demand;
  }

  public ReplicaEstimator estimator() {
    return estimator;
  }

  /** Devices that may be used, in the order in which groups are chained. */
  public int[] devices() {
    return devices.clone();
  }

  int count() {
    return devices.length;
  }

  int device(int position) {
    return devices[position];
  }

  /** Where the space chains a device. */
  int place(int device) {
    return places[device];
  }

  /** A group with one device more, where the space would chain it. */
  public int[] inserted(int[] group, int device) {
    int at = 0;
    while (at < group.length && places[group[at]] < places[device]) {
      at++;
    }
    return insertedAt(group, at, device);
  }

  /** A group with one device more, at a given place. */
  static int[] insertedAt(int[] group, int at, int device) {
    int[] grown = new int[group.length + 1];
    System.arraycopy(group, 0, grown, 0, at);
    grown[at] = device;
    System.arraycopy(group, at, grown, at + 1, group.length - at);
    return grown;
  }

  /** Equal for devices that no plan can tell apart. */
  public int kind(int device) {
    return kinds[device];
  }

  Set<Integer> pinned() {
    return pins.keySet();
  }

  Set<Integer> preferred() {
    return preferred;
  }

  /** Shared mediums in use. */
  List<String> mediumNames() {
    return mediums;
  }

  /** Bytes per second of a shared medium: what the slowest interface on it manages. */
  double mediumSpeed(int medium) {
    return mediumSpeeds[medium];
  }

  private double[] mediumSpeeds() {
    double[] speeds = new double[mediums.size()];
    Arrays.fill(speeds, Double.POSITIVE_INFINITY);
    for (int device : devices) {
      int medium = mediums.indexOf(medium(device));
      if (medium >= 0) {
        speeds[medium] = Math.min(speeds[medium], network.device(device).nic().bytesPerSecond());
      }
    }
    return speeds;
  }

  /** Whether every device reaches every other. */
  boolean fullyConnected() {
    return fullyConnected;
  }

  /** Whether every device of one group reaches every device of the other. */
  boolean connected(int[] group, int[] other) {
    for (int a : group) {
      for (int b : other) {
        if (!network.connected(a, b)) {
          return false;
        }
      }
    }
    return true;
  }

  /** Kinds in order: equal for groups that are worth the same. */
  String key(int[] group) {
    char[] key = new char[group.length];
    for (int i = 0; i < key.length; i++) {
      key[i] = (char) kinds[group[i]];
    }
    return new String(key);
  }

  /** The best that a group can do in a role, or null if it cannot hold the model. */
  public @Nullable GroupShape shape(int[] group, Role role) {
    return remembered(group, Work.of(role), 0);
  }

  /** The soonest that a group can do a request while so many run on it, or null. */
  public @Nullable GroupShape latencyShape(int[] group, int sessions) {
    return remembered(group, Work.LATENCY, sessions);
  }

  private @Nullable GroupShape remembered(int[] group, Work work, int sessions) {
    String key = (char) work.ordinal() + "" + (char) sessions + key(group);
    Memo known = memo.get(key);
    if (known == null) {
      known = new Memo(work == Work.LATENCY ? cutForLatency(group, sessions) : cut(group, work));
      memo.put(key, known);
    }
    return known.shape();
  }

  private @Nullable GroupShape cut(int[] group, Work work) {
    CutProblem best = null;
    double lowest = Double.POSITIVE_INFINITY;
    int levels = work == Work.PREFILL ? 1 : BatchLevels.COUNT;
    for (int level = 0; level < levels; level++) {
      double need =
          work == Work.PREFILL
              ? demand.largest()
              : BatchLevels.tokens(demand, BatchLevels.batch(level), group.length);
      CutProblem problem = problem(group, work, level, need);
      double bottleneck = cutter.bottleneck(problem);
      if (bottleneck >= lowest || (level > 0 && tooSlow(problem, level))) {
        break;
      }
      best = problem;
      lowest = bottleneck;
    }
    // With less memory than one session per stage some stages are idle at times.
    LayerCut cut =
        cutter.cutByBottleneck(best == null ? problem(group, work, 0, demand.largest()) : best);
    if (cut == null) {
      return null;
    }
    return shape(group, cut, work, 0);
  }

  /** Whether so large a batch would leave each of its sessions too little progress. */
  private boolean tooSlow(CutProblem problem, int level) {
    if (Double.isInfinite(demand.tpotLimit())) {
      return false;
    }
    LayerCut cut = cutter.cutByBottleneck(problem);
    int batch = BatchLevels.batch(level);
    return cut == null
        || cut.bottleneck() * cut.stages() * batch / demand.output() > demand.tpotLimit();
  }

  private @Nullable GroupShape cutForLatency(int[] group, int sessions) {
    int level = 0;
    while (BatchLevels.batch(level) < sessions && level < BatchLevels.COUNT - 1) {
      level++;
    }
    double need = Math.max(demand.largest(), BatchLevels.batch(level) * demand.reserved());
    CutProblem problem = problem(group, Work.LATENCY, level, need);
    GroupShape best = null;
    for (LayerCut cut : Arrays.asList(cutter.cutBySum(problem), cutter.cutByBottleneck(problem))) {
      if (cut != null) {
        GroupShape shape = shape(group, cut, Work.LATENCY, sessions);
        best = best == null || shape.rate() > best.rate() ? shape : best;
      }
    }
    return best;
  }

  private CutProblem problem(int[] group, Work work, int level, double need) {
    int n = group.length;
    double[][] seconds = new double[n][];
    double[][] room = new double[n][];
    double[] occupancy = new double[n * n];
    double[] delay = new double[n * n];
    @Nullable LayerRange[] pinned = new LayerRange[n];
    int batch = BatchLevels.batch(level);
    double rows =
        (work == Work.DECODE ? 0 : demand.prompt()) + (work == Work.PREFILL ? 0 : demand.output());
    double crossings =
        (work == Work.DECODE ? 0 : demand.chunks())
            + (work == Work.PREFILL ? 0 : demand.output() / (work == Work.LATENCY ? 1 : batch));
    for (int a = 0; a < n; a++) {
      StageTables table = tables.get(kinds[group[a]]);
      seconds[a] = table.seconds(work, level);
      room[a] = table.room();
      pinned[a] = pins.get(group[a]);
      for (int b = 0; b < n; b++) {
        if (a != b) {
          LinkProfile link = network.link(group[a], group[b]);
          occupancy[a * n + b] = rows * cost.hiddenBytes(1) / link.bytesPerSecond();
          delay[a * n + b] = occupancy[a * n + b] + crossings * link.latencySeconds();
        }
      }
    }
    return new CutProblem(cost.model().layerCount(), seconds, room, need, occupancy, delay, pinned);
  }

  private GroupShape shape(int[] group, LayerCut cut, Work work, int sessions) {
    int[] used = new int[cut.stages()];
    List<LayerRange> layers = new ArrayList<>();
    for (int i = 0; i < group.length; i++) {
      if (cut.ranges().get(i).size() > 0) {
        used[layers.size()] = group[i];
        layers.add(cut.ranges().get(i));
      }
    }
    ReplicaEstimate estimate = estimator.estimate(used, layers, work.role());
    double rate =
        work == Work.LATENCY
            ? 1 / estimator.seconds(used, layers, sessions)
            : estimate.rate(work.role());
    double[] kvShare = new double[mediums.size()];
    int[] crossings = new int[mediums.size()];
    for (int i = 0; i < used.length; i++) {
      int on = mediums.indexOf(medium(used[i]));
      if (on >= 0) {
        kvShare[on] += (double) layers.get(i).size() / cost.model().layerCount();
      }
      String between = i + 1 < used.length ? network.link(used[i], used[i + 1]).medium() : null;
      if (between != null) {
        crossings[mediums.indexOf(between)]++;
      }
    }
    return new GroupShape(cut.ranges(), rate, kvShare, crossings, estimate);
  }
}

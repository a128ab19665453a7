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
import org.e2llm.plan.Slo;
import org.e2llm.plan.WireFormats;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.grouping.StageTables.Work;
import org.jspecify.annotations.Nullable;

/**
 * What a search may arrange, and what every group of it is worth: cut by dynamic programming,
 * reckoned once per sequence of equal devices.
 *
 * <p>Not thread-safe.
 */
public final class SearchSpace {
  /** The part of an SLO's TTFT that a request alone may take. */
  private static final double TTFT_ALONE = 0.5;

  private final CostModel cost;
  private final Network network;
  private final Demand demand;
  private final int[] devices;
  private final Map<Integer, LayerRange> pins;
  private final Set<Integer> preferred;
  private final int[] places;
  private final int[] kinds;
  private final List<StageTables> tables;
  private final List<String> mediums;
  private final double[] mediumSpeeds;
  private final boolean fullyConnected;
  private final ReplicaEstimator estimator;
  private final GroupCutter cutter = new GroupCutter(this);
  private final Map<String, Memo> memo;

  /** What a group must keep to be of use. */
  private final Slo kept;

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
    this.tables = new ArrayList<>();
    this.mediums = mediums();
    this.mediumSpeeds = mediumSpeeds();
    this.kinds = kinds();
    this.fullyConnected = connected(this.devices, this.devices);
    this.memo = new HashMap<>();
    this.kept = Slo.NONE;
  }

  /** The same space, in which only groups count that keep an SLO. */
  private SearchSpace(SearchSpace all, Slo kept) {
    this.cost = all.cost;
    this.network = all.network;
    this.demand = all.demand;
    this.pins = all.pins;
    this.preferred = all.preferred;
    this.estimator = all.estimator;
    this.devices = all.devices;
    this.places = all.places;
    this.tables = all.tables;
    this.mediums = all.mediums;
    this.mediumSpeeds = all.mediumSpeeds;
    this.kinds = all.kinds;
    this.fullyConnected = all.fullyConnected;
    this.memo = all.memo;
    this.kept = kept;
  }

  /** The same devices and wishes with other formats on the network. */
  public SearchSpace with(WireFormats wire) {
    return new SearchSpace(cost.withWire(wire), network, demand, devices, pins, preferred);
  }

  /**
   * The same without the groups that cannot keep an SLO: a mean request that meets no other has its
   * first token within half of the TTFT, so that some time is left for waiting, and the others
   * within the TPOT. What is reckoned in one space is known in the other.
   */
  public SearchSpace keeping(Slo slo) {
    return new SearchSpace(this, slo);
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

  /** Number of the shared medium that a device is on, or -1. */
  int mediumOf(int device) {
    return mediums.indexOf(medium(device));
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

  /** Layers that a device must have, or null. */
  public @Nullable LayerRange pin(int device) {
    return pins.get(device);
  }

  /** What ranges cost on a device. */
  StageTables tables(int device) {
    return tables.get(kinds[device]);
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

  /** The best that a group can do in a role, or null if it cannot hold the model or keep an SLO. */
  public @Nullable GroupShape shape(int[] group, Role role) {
    GroupShape shape = remembered(group, Work.of(role), 0);
    return shape != null && isKept(shape.estimate(), role) ? shape : null;
  }

  private boolean isKept(ReplicaEstimate estimate, Role role) {
    return (role == Role.DECODE || estimate.ttftSeconds() <= TTFT_ALONE * kept.ttftSeconds())
        && (role == Role.PREFILL || estimate.tpotSeconds() <= kept.tpotSeconds());
  }

  /** The soonest that a group can do a request while so many run on it, or null. */
  public @Nullable GroupShape latencyShape(int[] group, int sessions) {
    return remembered(group, Work.LATENCY, sessions);
  }

  private @Nullable GroupShape remembered(int[] group, Work work, int sessions) {
    String key = (char) work.ordinal() + "" + (char) sessions + key(group);
    Memo known = memo.get(key);
    if (known == null) {
      known =
          new Memo(
              work == Work.LATENCY
                  ? cutter.cutForLatency(group, sessions)
                  : cutter.cut(group, work));
      memo.put(key, known);
    }
    return known.shape();
  }
}

package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.planner.cost.PlannedModel;

/** The obvious groupings, from which searches start and which they must not lose to. */
public final class Seeds {
  private Seeds() {}

  /** All of them; some may hold the model nowhere. */
  static List<Grouping> all(SearchSpace space) {
    List<Grouping> seeds = new ArrayList<>();
    seeds.add(together(space));
    seeds.add(alone(space));
    seeds.add(new Grouping(machines(space)));
    for (Comparator<Integer> order : orders(space)) {
      for (double slack : new double[] {1, 1.3, 1.8, 2.5}) {
        seeds.add(packed(space, order, slack));
      }
    }
    return seeds;
  }

  private static Grouping together(SearchSpace space) {
    return new Grouping(List.<int[]>of(space.devices()));
  }

  /** Who holds the model does so alone; the others are packed. */
  private static Grouping alone(SearchSpace space) {
    List<int[]> groups = new ArrayList<>();
    List<Integer> rest = new ArrayList<>();
    for (int device : space.devices()) {
      if (holds(space, List.of(device))) {
        groups.add(new int[] {device});
      } else {
        rest.add(device);
      }
    }
    groups.addAll(pack(space, rest, 1));
    return new Grouping(groups);
  }

  /**
   * Machines as Splitwise knows them: a device that holds the model, else the smallest group of
   * like devices that does; what is left over of each kind goes together with the next in speed.
   */
  public static List<int[]> machines(SearchSpace space) {
    Map<Integer, List<Integer>> kinds = new LinkedHashMap<>();
    List<Integer> sorted = boxed(space.devices());
    sorted.sort(Comparator.comparingDouble(i -> -profile(space, i).prefillFlops()));
    for (int device : sorted) {
      kinds.computeIfAbsent(space.kind(device), kind -> new ArrayList<>()).add(device);
    }
    List<int[]> groups = new ArrayList<>();
    List<Integer> rest = new ArrayList<>();
    for (List<Integer> like : kinds.values()) {
      List<int[]> packed = pack(space, like, 1);
      groups.addAll(packed);
      int used = packed.stream().mapToInt(group -> group.length).sum();
      rest.addAll(like.subList(used, like.size()));
    }
    groups.addAll(pack(space, rest, 1));
    return groups;
  }

  private static List<Comparator<Integer>> orders(SearchSpace space) {
    Comparator<Integer> byCompute =
        Comparator.comparingDouble(i -> -profile(space, i).prefillFlops());
    Comparator<Integer> byBandwidth =
        Comparator.comparingDouble(i -> -profile(space, i).memoryBandwidth());
    Comparator<Integer> byMemory =
        Comparator.comparingDouble(i -> -profile(space, i).memoryBytes());
    return Arrays.asList((a, b) -> 0, byCompute, byBandwidth, byMemory);
  }

  private static Grouping packed(SearchSpace space, Comparator<Integer> order, double slack) {
    List<Integer> sorted = boxed(space.devices());
    sorted.sort(order);
    return new Grouping(pack(space, sorted, slack));
  }

  /** Groups of neighbours in the list, each as small as it can be with so much memory to spare. */
  static List<int[]> pack(SearchSpace space, List<Integer> devices, double slack) {
    List<int[]> groups = new ArrayList<>();
    List<Integer> group = new ArrayList<>();
    for (int device : devices) {
      group.add(device);
      if (memory(space, group) >= slack * need(space, group.size()) && holds(space, group)) {
        groups.add(inOrder(space, group));
        group.clear();
      }
    }
    return groups;
  }

  private static boolean holds(SearchSpace space, List<Integer> group) {
    return memory(space, group) >= need(space, group.size())
        && space.shape(inOrder(space, group), Role.PREFILL) != null;
  }

  /** Bytes that a group offers. */
  static double memory(SearchSpace space, List<Integer> group) {
    double sum = 0;
    for (int device : group) {
      sum += profile(space, device).memoryBytes();
    }
    return sum;
  }

  /** Bytes that any chain of so many stages needs at least. */
  static double need(SearchSpace space, int stages) {
    PlannedModel model = space.cost().model();
    return model.weightBytes(0, model.layerCount())
        + (double) space.demand().largest() * model.bytesPerToken(0, model.layerCount())
        + (double) stages * model.workBytes(0);
  }

  /** Devices as the space chains them. */
  static int[] inOrder(SearchSpace space, List<Integer> group) {
    int[] sorted = new int[group.size()];
    int next = 0;
    for (int i = 0; i < space.count(); i++) {
      if (group.contains(space.device(i))) {
        sorted[next++] = space.device(i);
      }
    }
    return sorted;
  }

  private static DeviceProfile profile(SearchSpace space, int device) {
    return space.network().device(device);
  }

  private static List<Integer> boxed(int[] devices) {
    List<Integer> list = new ArrayList<>();
    for (int device : devices) {
      list.add(device);
    }
    return list;
  }
}

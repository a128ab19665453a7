package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.LatencyRoles;
import org.e2llm.planner.grouping.MixedRoles;
import org.e2llm.planner.grouping.Roles;
import org.e2llm.planner.grouping.SearchSpace;
import org.jspecify.annotations.Nullable;

/**
 * All devices in one chain, cut by dynamic programming, which may pass over some. A few orders are
 * tried: by network, by compute, by bandwidth, by memory, and each of them backwards.
 */
public final class SinglePipelineStrategy implements Strategy {
  @Override
  public String name() {
    return "single-pipeline";
  }

  @Override
  public List<Plan> plans(Question question, int wanted) {
    Roles roles = question.latencyCounts() ? new LatencyRoles(true) : new MixedRoles();
    int devices = question.space().devices().length;
    question.watch().part(1, orders(question).size() * (devices + 1L));
    Arrangement best = arranged(question, roles);
    return best == null
        ? List.of()
        : List.of(new PlanMaker(question, name(), ServingPolicy.ROLES, roles).make(best));
  }

  /** The best chain, or null if all together do not hold the model. */
  static @Nullable Arrangement arranged(Question question, Roles roles) {
    Arrangement best = null;
    for (int[] order : orders(question)) {
      Arrangement next = withoutBrakes(question, roles, order);
      if (next.isFeasible() && (best == null || next.score() > best.score())) {
        best = next;
      }
    }
    return best;
  }

  /**
   * Takes devices out as long as that helps: the cut passes over slow devices, but does not see
   * that links share a medium.
   */
  private static Arrangement withoutBrakes(Question question, Roles roles, int[] order) {
    question.watch().step();
    Arrangement best = roles.assign(question.space(), List.<int[]>of(order));
    int[] chain = order;
    for (int i = chain.length - 1; i >= 0 && chain.length > 1; i--) {
      int[] shorter = without(chain, i);
      question.watch().step();
      Arrangement next = roles.assign(question.space(), List.<int[]>of(shorter));
      if (next.score() > best.score()) {
        best = next;
        chain = shorter;
      }
    }
    return best;
  }

  private static int[] without(int[] chain, int at) {
    int[] shorter = new int[chain.length - 1];
    System.arraycopy(chain, 0, shorter, 0, at);
    System.arraycopy(chain, at + 1, shorter, at, shorter.length - at);
    return shorter;
  }

  private static List<int[]> orders(Question question) {
    List<int[]> orders = new ArrayList<>();
    int[] byNetwork = question.space().devices();
    orders.add(byNetwork);
    orders.add(reversed(byNetwork));
    List<ToDoubleFunction<DeviceProfile>> measures =
        List.of(
            DeviceProfile::prefillFlops,
            DeviceProfile::memoryBandwidth,
            DeviceProfile::memoryBytes);
    for (ToDoubleFunction<DeviceProfile> measure : measures) {
      List<Integer> sorted = new ArrayList<>();
      for (int device : byNetwork) {
        sorted.add(device);
      }
      sorted.sort(
          Comparator.comparingDouble(
              i -> -measure.applyAsDouble(question.space().network().device(i))));
      int[] order = sorted.stream().mapToInt(i -> i).toArray();
      orders.add(order);
      orders.add(reversed(order));
    }
    orders.replaceAll(order -> withEndsInPlace(question.space(), order));
    return orders;
  }

  /** Devices that are pinned to an end of the model stand there. */
  private static int[] withEndsInPlace(SearchSpace space, int[] order) {
    int layers = space.cost().model().layerCount();
    List<Integer> front = new ArrayList<>();
    List<Integer> middle = new ArrayList<>();
    List<Integer> back = new ArrayList<>();
    for (int device : order) {
      LayerRange pin = space.pin(device);
      boolean first = pin != null && pin.from() == 0;
      boolean last = pin != null && pin.to() == layers;
      (first ? front : last ? back : middle).add(device);
    }
    front.addAll(middle);
    front.addAll(back);
    return front.stream().mapToInt(i -> i).toArray();
  }

  private static int[] reversed(int[] order) {
    int[] reversed = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      reversed[i] = order[order.length - 1 - i];
    }
    return reversed;
  }
}

package org.e2llm.transport;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.jspecify.annotations.Nullable;

/**
 * What can go on at once when devices of a plan are gone: survivors keep their layers, and the lost
 * ones go to devices that have their bytes, so that nothing needs to be fetched first. Whether that
 * fits their memory, and how fast it is, is for the planner to judge. Pure.
 *
 * <p>A lost range, however many devices hosted it, goes to the stage before it, to the one behind
 * it, is shared by both, or goes to a device that had no stage. A replica that cannot be mended so
 * is left out where others remain.
 */
final class PlanPatch {
  /** Of one replica, each gap has some ways; more than these are not worth the looking. */
  private static final int MOST = 64;

  private final Map<String, Holding> there;
  private final Set<String> spare;

  private PlanPatch(Plan plan, Map<String, Holding> there) {
    this.there = there;
    this.spare = new HashSet<>(there.keySet());
    for (ReplicaPlan replica : plan.replicas()) {
      replica.stages().forEach(stage -> spare.remove(stage.device()));
    }
  }

  /**
   * Whether all layers of the plan lie where it puts them.
   *
   * @param there what lies on each device that takes part
   */
  static boolean servesAtOnce(Plan plan, Map<String, Holding> there) {
    for (ReplicaPlan replica : plan.replicas()) {
      for (StagePlan stage : replica.stages()) {
        Holding holding = there.get(stage.device());
        if (holding == null || !holding.has(stage.layers())) {
          return false;
        }
      }
    }
    return true;
  }

  /**
   * Plans that mend one of which devices are gone; empty if it is whole, or cannot be mended.
   *
   * @param there what lies on each device that takes part
   */
  static List<Plan> of(Plan broken, Map<String, Holding> there) {
    PlanPatch patch = new PlanPatch(broken, there);
    List<List<ReplicaPlan>> mended = new ArrayList<>();
    mended.add(new ArrayList<>());
    boolean whole = true;
    for (ReplicaPlan replica : broken.replicas()) {
      whole &= patch.isWhole(replica);
      List<List<StagePlan>> ways = patch.ways(replica.stages());
      if (ways.isEmpty()) {
        continue; // the other replicas go on without it
      }
      List<List<ReplicaPlan>> longer = new ArrayList<>();
      for (List<ReplicaPlan> before : mended) {
        for (List<StagePlan> stages : ways) {
          if (longer.size() < MOST && !shareADevice(before, stages)) {
            List<ReplicaPlan> more = new ArrayList<>(before);
            more.add(
                new ReplicaPlan(replica.role(), stages, replica.kvTokens(), replica.expected()));
            longer.add(more);
          }
        }
      }
      mended = longer;
    }
    List<Plan> plans = new ArrayList<>();
    for (List<ReplicaPlan> replicas : mended) {
      if (!whole && !replicas.isEmpty()) {
        plans.add(patch.plan(broken, replicas));
      }
    }
    return plans;
  }

  private boolean isWhole(ReplicaPlan replica) {
    return replica.stages().stream().allMatch(stage -> there.containsKey(stage.device()));
  }

  /** The same spare device may have been taken by two replicas. */
  private static boolean shareADevice(List<ReplicaPlan> replicas, List<StagePlan> stages) {
    for (ReplicaPlan replica : replicas) {
      for (StagePlan one : replica.stages()) {
        if (stages.stream().anyMatch(other -> other.device().equals(one.device()))) {
          return true;
        }
      }
    }
    return false;
  }

  /** All ways to mend a chain of stages; itself if nothing is lost. */
  private List<List<StagePlan>> ways(List<StagePlan> stages) {
    List<List<StagePlan>> ways = new ArrayList<>();
    ways.add(new ArrayList<>());
    int next = 0;
    while (next < stages.size()) {
      int end = next;
      while (end < stages.size() && !there.containsKey(stages.get(end).device())) {
        end++;
      }
      List<List<StagePlan>> longer = new ArrayList<>();
      for (List<StagePlan> before : ways) {
        if (end == next) {
          longer.add(with(before, stages.get(next)));
        } else {
          LayerRange lost =
              LayerRange.of(stages.get(next).layers().from(), stages.get(end - 1).layers().to());
          StagePlan behind = end < stages.size() ? stages.get(end) : null;
          fill(before, lost, behind, longer);
        }
      }
      ways = longer.subList(0, Math.min(MOST, longer.size()));
      next = end == next ? next + 1 : end + 1;
    }
    return ways;
  }

  /**
   * The chain so far, the lost layers in every way that there is, and the stage behind them.
   *
   * @param behind survives; null if the lost layers end the model
   */
  private void fill(
      List<StagePlan> before,
      LayerRange lost,
      @Nullable StagePlan behind,
      List<List<StagePlan>> ways) {
    StagePlan front = before.isEmpty() ? null : before.get(before.size() - 1);
    int reach = front == null ? lost.from() : reach(front.device(), lost);
    int back = behind == null ? lost.to() : back(behind.device(), lost);
    if (front != null && behind != null && front.device().equals(behind.device())) {
      // It has both ends, and would have one stage with all of it between.
      if (reach == lost.to()) {
        LayerRange all = LayerRange.of(front.layers().from(), behind.layers().to());
        List<StagePlan> way = new ArrayList<>(before);
        way.set(way.size() - 1, new StagePlan(front.device(), all));
        ways.add(way);
      }
    } else {
      share(before, lost, behind, cuts(back, reach), ways);
    }
    for (String device : spare) {
      boolean taken = before.stream().anyMatch(stage -> stage.device().equals(device));
      if (!taken && holding(device).has(lost)) {
        List<StagePlan> way = with(before, new StagePlan(device, lost));
        ways.add(behind == null ? way : with(way, behind));
      }
    }
  }

  /** The lost layers go to the stages before and behind them, as each cut says. */
  private static void share(
      List<StagePlan> before,
      LayerRange lost,
      @Nullable StagePlan behind,
      List<Integer> cuts,
      List<List<StagePlan>> ways) {
    StagePlan front = before.isEmpty() ? null : before.get(before.size() - 1);
    for (int cut : cuts) {
      List<StagePlan> way = new ArrayList<>(before);
      if (front != null && cut > lost.from()) {
        LayerRange longer = LayerRange.of(front.layers().from(), cut);
        way.set(way.size() - 1, new StagePlan(front.device(), longer));
      }
      if (behind != null) {
        way.add(new StagePlan(behind.device(), LayerRange.of(cut, behind.layers().to())));
      }
      ways.add(way);
    }
  }

  /** Where the stage behind may begin so that both have their bytes: first, in the midst, last. */
  private static List<Integer> cuts(int least, int most) {
    if (least > most) {
      return List.of();
    }
    int middle = (least + most) / 2;
    return middle == least || middle == most
        ? least == most ? List.of(least) : List.of(least, most)
        : List.of(least, middle, most);
  }

  /** One past the last of the lost layers that the device has, from the first one on. */
  private int reach(String device, LayerRange lost) {
    int layer = lost.from();
    while (layer < lost.to() && holding(device).has(layer)) {
      layer++;
    }
    return layer;
  }

  /** The first of the lost layers that the device has together with all behind it. */
  private int back(String device, LayerRange lost) {
    int layer = lost.to();
    while (layer > lost.from() && holding(device).has(layer - 1)) {
      layer--;
    }
    return layer;
  }

  private Holding holding(String device) {
    return there.getOrDefault(device, Holding.NONE);
  }

  private static List<StagePlan> with(List<StagePlan> before, StagePlan next) {
    List<StagePlan> longer = new ArrayList<>(before);
    longer.add(next);
    return longer;
  }

  private Plan plan(Plan broken, List<ReplicaPlan> replicas) {
    Set<String> used = new HashSet<>();
    for (ReplicaPlan replica : replicas) {
      replica.stages().forEach(stage -> used.add(stage.device()));
    }
    List<Placement> placements = new ArrayList<>();
    for (String device : new TreeSet<>(there.keySet())) {
      placements.add(
          new Placement(
              device,
              used.contains(device),
              used.contains(device)
                  ? "It has the bytes of these layers: a device of the plan before is gone."
                  : "Not needed to go on after a device of the plan before was lost."));
    }
    return broken.with(replicas, placements);
  }
}

package org.e2llm.planner;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Network;
import org.e2llm.plan.PlanOptions;
import org.e2llm.planner.cost.ByteSize;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.grouping.Demand;

/**
 * Which devices of a fleet a plan may use: not those that the app excludes, not some that compute
 * other bits than the rest, not those on the far side of a split network. Whether the rest can hold
 * the model at all is checked here, where it can be said what is missing.
 *
 * @param devices numbers
 * @param unusable why the others may not
 */
record Usable(int[] devices, Map<Integer, String> unusable) {

  static Usable of(Network network, PlannedModel model, Demand demand, PlanOptions options) {
    for (String id : options.excluded()) {
      network.number(id);
    }
    Map<Integer, String> unusable = new HashMap<>();
    List<Integer> rest = new ArrayList<>();
    for (int i = 0; i < network.size(); i++) {
      if (options.excluded().contains(network.device(i).id())) {
        unusable.put(i, "Excluded by the app.");
      } else {
        rest.add(i);
      }
    }
    if (rest.isEmpty()) {
      throw new InfeasiblePlanException(
          "all "
              + network.size()
              + " devices of fleet "
              + network.fleet().name()
              + " are excluded: a plan needs at least one",
          0);
    }
    Need need = new Need(network, model, demand);
    List<List<Integer>> candidates = new ArrayList<>();
    for (List<Integer> alike : options.mixFma() ? List.of(rest) : byFma(network, rest)) {
      candidates.addAll(islands(network, alike));
    }
    List<Integer> chosen = need.best(candidates, rest);
    for (int device : rest) {
      if (!chosen.contains(device)) {
        unusable.put(device, whyNot(network, chosen, device, options));
      }
    }
    return new Usable(chosen.stream().mapToInt(i -> i).toArray(), unusable);
  }

  private static List<List<Integer>> byFma(Network network, List<Integer> devices) {
    List<List<Integer>> groups = List.of(new ArrayList<>(), new ArrayList<>());
    for (int device : devices) {
      groups.get(network.device(device).fma() ? 0 : 1).add(device);
    }
    return groups;
  }

  /** Devices that reach each other, directly or over others. */
  private static List<List<Integer>> islands(Network network, List<Integer> devices) {
    List<List<Integer>> islands = new ArrayList<>();
    boolean[] seen = new boolean[network.size()];
    for (int start : devices) {
      List<Integer> island = new ArrayList<>();
      if (!seen[start]) {
        island.add(start);
        seen[start] = true;
      }
      for (int i = 0; i < island.size(); i++) {
        for (int other : devices) {
          if (!seen[other] && network.connected(island.get(i), other)) {
            seen[other] = true;
            island.add(other);
          }
        }
      }
      if (!island.isEmpty()) {
        islands.add(island);
      }
    }
    return islands;
  }

  private static String whyNot(
      Network network, List<Integer> chosen, int device, PlanOptions options) {
    DeviceProfile profile = network.device(device);
    if (!options.mixFma() && profile.fma() != network.device(chosen.get(0)).fma()) {
      return profile.fma()
          ? "Has fused multiply-add, unlike the others: results would depend on who computes them."
          : "Has no fused multiply-add: results would differ in their last bits (mixFma allows"
              + " it).";
    }
    return "Does not reach " + network.device(chosen.get(0)).id() + " and those that reach it.";
  }

  /** What the model needs, and whether groups of devices have it. */
  private record Need(Network network, PlannedModel model, Demand demand) {

    /** Of the groups that can hold the model, the one with most compute. */
    List<Integer> best(List<List<Integer>> groups, List<Integer> all) {
      List<Integer> best = null;
      double most = 0;
      long largest = 0;
      for (List<Integer> group : groups) {
        long offered = offered(group);
        largest = Math.max(largest, offered);
        double flops = group.stream().mapToDouble(i -> network.device(i).prefillFlops()).sum();
        if (offered >= needed(group.size()) && flops > most) {
          best = group;
          most = flops;
        }
      }
      if (best == null) {
        throw missing(groups.size() > 1 && offered(all) >= needed(all.size()), largest, all);
      }
      return best;
    }

    private long offered(List<Integer> group) {
      return group.stream().mapToLong(i -> network.device(i).memoryBytes()).sum();
    }

    /** The least for one chain; each of its stages has work buffers. */
    private long needed(int devices) {
      int layers = model.layerCount();
      return model.memoryBytes(0, layers, demand.largest())
          + (Math.min(devices, layers) > 1 ? model.workBytes(0) : 0);
    }

    private InfeasiblePlanException missing(boolean split, long largest, List<Integer> all) {
      long needed = needed(all.size());
      String what =
          String.format(
              Locale.ROOT,
              "%s needs %s: %s of weights, the rest for work buffers and the KV cache of the"
                  + " largest request (%d tokens in and out)",
              model.spec().name(),
              ByteSize.text(needed),
              ByteSize.text(model.weightBytes(0, model.layerCount())),
              demand.largest());
      if (split) {
        return new InfeasiblePlanException(
            what
                + String.format(
                    Locale.ROOT,
                    ". All devices together offer %s, but not all reach each other or compute the"
                        + " same bits, and the largest part offers %s: connect them, or allow"
                        + " mixFma",
                    ByteSize.text(offered(all)),
                    ByteSize.text(largest)),
            needed - largest);
      }
      return new InfeasiblePlanException(
          what
              + String.format(
                  Locale.ROOT,
                  "; the devices %s offer %s together: %s are missing. Add a device that"
                      + " offers as much, let these offer more, or take a smaller model, prompt or"
                      + " maxTokens",
                  names(all),
                  ByteSize.text(offered(all)),
                  ByteSize.text(needed - offered(all))),
          needed - offered(all));
    }

    private String names(List<Integer> devices) {
      return Arrays.toString(devices.stream().map(i -> network.device(i).id()).toArray());
    }
  }
}

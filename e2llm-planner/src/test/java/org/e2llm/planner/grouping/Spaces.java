package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.e2llm.model.KvType;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.Network;
import org.e2llm.plan.Slo;
import org.e2llm.plan.WireFormats;
import org.e2llm.plan.Workload;
import org.e2llm.planner.catalog.KnownFleets;
import org.e2llm.planner.catalog.KnownModels;
import org.e2llm.planner.cost.AnalyticCostModel;
import org.e2llm.planner.cost.PlannedModel;

/** Search spaces to test with. */
final class Spaces {
  private Spaces() {}

  static SearchSpace of(Fleet fleet, String model, Workload workload) {
    Network network = new Network(fleet);
    return new SearchSpace(
        new AnalyticCostModel(
            new PlannedModel(KnownModels.get(model), KvType.F16), WireFormats.lossless(KvType.F16)),
        network,
        Demand.of(workload, Slo.NONE, network.size(), false),
        IntStream.range(0, network.size()).toArray(),
        Map.of(),
        Set.of());
  }

  static Workload conv() {
    return Workload.atRate(List.of(new Workload.Lengths(1155, 211)), 1);
  }

  static Workload workload(Random random) {
    return Workload.atRate(
        List.of(new Workload.Lengths(1 + random.nextInt(4000), 1 + random.nextInt(500))), 1);
  }

  /** A fleet of devices drawn from the known ones, speeds varied. */
  static Fleet fleet(Random random, int count) {
    List<DeviceProfile> kinds = new ArrayList<>();
    for (String name : KnownFleets.names()) {
      kinds.addAll(KnownFleets.get(name).devices());
    }
    List<DeviceProfile> devices = new ArrayList<>();
    DeviceProfile last = kinds.get(0);
    for (int i = 0; i < count; i++) {
      if (i == 0 || random.nextInt(3) > 0) {
        last = kinds.get(random.nextInt(kinds.size()));
      }
      double factor = 1 + random.nextInt(2);
      devices.add(
          new DeviceProfile(
              "d" + i,
              last.name(),
              last.prefillFlops() * factor,
              last.decodeFlops(),
              last.memoryBandwidth(),
              last.stepSeconds(),
              last.memoryBytes(),
              true,
              last.nic()));
    }
    return Fleet.of("random", devices);
  }
}

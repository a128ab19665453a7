package org.e2llm.planner;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Network;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.Workload;
import org.e2llm.planner.catalog.KnownModels;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.strategy.Strategies;
import org.e2llm.planner.strategy.Strategy;

/**
 * Whatever the fleet and the workload: a plan that holds, or an error that says what is missing.
 */
class PlannerProperties {
  @Property(tries = 150)
  void plansHoldOrTheErrorSaysWhatIsMissing(
      @ForAll Random random, @ForAll @IntRange(min = 1, max = 9) int devices) {
    Fleet fleet = fleet(random, devices);
    ModelSpec model = KnownModels.get(KnownModels.names().get(random.nextInt(2)));
    Workload workload = workload(random);
    Strategy strategy = Strategies.list().get(random.nextInt(Strategies.list().size()));
    PlanOptions.Builder options =
        PlanOptions.builder().strategy(strategy.fullName()).evaluations(150);
    Set<String> excluded = new HashSet<>();
    for (DeviceProfile device : fleet.devices()) {
      if (random.nextInt(8) == 0) {
        options.exclude(device.id());
        excluded.add(device.id());
      } else if (random.nextInt(8) == 0) {
        options.prefer(device.id());
      }
    }
    Planner planner = new Planner();
    Plan plan;
    try {
      plan = planner.plan(model, fleet, workload, Slo.NONE, options.build(), PlanListener.NONE);
    } catch (InfeasiblePlanException e) {
      assertThat(e.missingBytes()).isNotNegative();
      assertThat(e.getMessage()).isNotBlank();
      return;
    }
    assertThat(planner.judge(plan, model, fleet, workload, Slo.NONE, options.build()))
        .isEqualTo(plan);
    assertThat(plan.placements()).hasSize(devices);
    Network network = new Network(fleet);
    PlannedModel planned = new PlannedModel(model, KvType.F16);
    for (ReplicaPlan replica : plan.replicas()) {
      for (StagePlan stage : replica.stages()) {
        assertThat(excluded).doesNotContain(stage.device());
        LayerRange layers = stage.layers();
        assertThat(planned.memoryBytes(layers.from(), layers.to(), replica.kvTokens()))
            .isLessThanOrEqualTo(network.device(network.number(stage.device())).memoryBytes());
      }
    }
  }

  private static Workload workload(Random random) {
    List<Workload.Lengths> lengths = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      lengths.add(new Workload.Lengths(1 + random.nextInt(6000), 1 + random.nextInt(200)));
    }
    return random.nextBoolean()
        ? Workload.atRate(lengths, 0.01 + random.nextDouble())
        : Workload.concurrent(lengths, 1 + random.nextInt(12));
  }

  /** Speeds over four orders of magnitude, some pairs that do not reach each other. */
  private static Fleet fleet(Random random, int count) {
    List<DeviceProfile> devices = new ArrayList<>();
    List<LinkProfile> links = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (i > 0 && random.nextBoolean()) {
        DeviceProfile same = devices.get(i - 1);
        devices.add(
            new DeviceProfile(
                "d" + i,
                "d",
                same.prefillFlops(),
                same.decodeFlops(),
                same.memoryBandwidth(),
                same.stepSeconds(),
                same.memoryBytes(),
                same.fma(),
                same.nic()));
      } else {
        double flops = 1e10 * Math.pow(10, 4 * random.nextDouble());
        devices.add(
            new DeviceProfile(
                "d" + i,
                "d",
                flops,
                flops * (0.1 + random.nextDouble()),
                1e9 * Math.pow(10, 2.5 * random.nextDouble()),
                random.nextInt(20) * 1e-3,
                500_000_000L + (long) (random.nextDouble() * 15e9),
                random.nextInt(10) > 0,
                random.nextBoolean() ? Nic.WIFI : Nic.GIGABIT_ETHERNET));
      }
      for (int j = 0; j < i; j++) {
        if (random.nextInt(12) == 0) {
          links.add(
              random.nextBoolean()
                  ? LinkProfile.none("d" + j, "d" + i)
                  : new LinkProfile("d" + j, "d" + i, 1e6 + random.nextInt(100) * 1e6, 1e-3, null));
        }
      }
    }
    return new Fleet("random", devices, links);
  }
}

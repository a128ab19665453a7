package org.e2llm.planner;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.planner.catalog.KnownModels;

/** What must hold of the plans that clusters ask for, whatever was measured on their links. */
class MeasuredLinksProperties {
  private static final int TOKENS = 256;
  private static final Workload ONE =
      Workload.concurrent(List.of(new Workload.Lengths(TOKENS, TOKENS)), 1);
  private static final PlanOptions CLUSTER =
      PlanOptions.builder().strategy("single-pipeline").build();

  private final Planner planner = new Planner();
  private final ModelSpec model = KnownModels.get(KnownModels.names().get(0));

  @Property(tries = 200)
  void oneSessionIsNeverSlowerThanOnTheBestDeviceAlone(
      @ForAll Random random, @ForAll @IntRange(min = 2, max = 6) int devices) {
    Fleet fleet = fleet(random, devices);
    Plan with;
    try {
      with = plan(fleet);
    } catch (InfeasiblePlanException e) {
      assertThat(e.missingBytes()).isNotNegative();
      return;
    }
    for (DeviceProfile device : fleet.devices()) {
      try {
        assertThat(seconds(with))
            .as("against %s alone", device.id())
            .isLessThanOrEqualTo(seconds(plan(Fleet.of("alone", List.of(device)))) * 1.000001);
      } catch (InfeasiblePlanException e) {
        assertThat(e.missingBytes()).isPositive(); // it cannot hold the model
      }
    }
  }

  @Property(tries = 50)
  void aLinkThatBecomesFasterNeverMakesAPlanSlower(@ForAll Random random) {
    Fleet slow = fleet(random, 3);
    List<LinkProfile> faster = new ArrayList<>();
    for (LinkProfile link : slow.links()) {
      faster.add(
          new LinkProfile(
              link.a(), link.b(), link.bytesPerSecond() * 4, link.latencySeconds() / 4, null));
    }
    try {
      double before = seconds(plan(slow));
      double after = seconds(plan(new Fleet("faster", slow.devices(), faster)));
      assertThat(after).isLessThanOrEqualTo(before * 1.000001);
    } catch (InfeasiblePlanException e) {
      assertThat(e.missingBytes()).isNotNegative();
    }
  }

  private Plan plan(Fleet fleet) {
    return planner.plan(model, fleet, ONE, Slo.NONE, CLUSTER, PlanListener.NONE);
  }

  private static double seconds(Plan plan) {
    ReplicaPlan.Expected expected = plan.replicas().get(0).expected();
    return expected.ttftSeconds() + (TOKENS - 1) * expected.tpotSeconds();
  }

  /** From a phone to a server, on links from bad Wi-Fi to loopback, every pair measured. */
  private Fleet fleet(Random random, int count) {
    List<DeviceProfile> devices = new ArrayList<>();
    List<LinkProfile> links = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      double flops = 1e10 * Math.pow(10, 2 * random.nextDouble());
      devices.add(
          new DeviceProfile(
              "d" + i,
              "d",
              flops,
              flops * (0.1 + random.nextDouble()),
              2e9 * Math.pow(10, 1.5 * random.nextDouble()),
              random.nextInt(20) * 1e-4,
              (long) (1e9 + random.nextDouble() * 12e9),
              true,
              Nic.GIGABIT_ETHERNET));
      for (int j = 0; j < i; j++) {
        links.add(
            new LinkProfile(
                "d" + j,
                "d" + i,
                1e6 * Math.pow(10, 3 * random.nextDouble()),
                5e-5 * Math.pow(10, 2.5 * random.nextDouble()),
                null));
      }
    }
    return new Fleet("measured", devices, links);
  }
}

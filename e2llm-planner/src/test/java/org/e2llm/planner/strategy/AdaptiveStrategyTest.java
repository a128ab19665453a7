package org.e2llm.planner.strategy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.PlanCancelledException;
import org.e2llm.model.KvType;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.Network;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.plan.Slo;
import org.e2llm.plan.WireFormats;
import org.e2llm.plan.Workload;
import org.e2llm.planner.Planner;
import org.e2llm.planner.catalog.KnownFleets;
import org.e2llm.planner.catalog.KnownModels;
import org.e2llm.planner.cost.AnalyticCostModel;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.simulator.Metric;
import org.e2llm.planner.simulator.SimulationResult;
import org.e2llm.planner.simulator.Simulator;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.junit.jupiter.api.Test;

/** What the default strategy promises. */
class AdaptiveStrategyTest {
  private static final ModelSpec LLAMA = KnownModels.get("llama3-8b-q4");
  private static final ModelSpec QWEN = KnownModels.get("qwen25-32b-q4");

  private static Workload workload(double rate) {
    return Workload.atRate(
        List.of(
            new Workload.Lengths(300, 300),
            new Workload.Lengths(1500, 150),
            new Workload.Lengths(2500, 60)),
        rate);
  }

  private static Plan plan(
      ModelSpec model, Fleet fleet, Workload workload, PlanOptions.Builder options) {
    return new Planner().plan(model, fleet, workload, Slo.NONE, options.build(), PlanListener.NONE);
  }

  private static PlanOptions.Builder options(String strategy) {
    return PlanOptions.builder().strategy(strategy).evaluations(800);
  }

  private static double meanSeconds(Plan plan, ModelSpec model, Fleet fleet, Workload workload) {
    return run(plan, model, fleet, workload).distribution(Metric.E2E).mean();
  }

  private static SimulationResult run(Plan plan, ModelSpec model, Fleet fleet, Workload workload) {
    Requests requests =
        Requests.poisson(Lengths.of(workload), 2000, workload.requestsPerSecond(), 99);
    PlannedModel planned = new PlannedModel(model, KvType.F16);
    Deployment deployment =
        new Deployment(plan, new Network(fleet), new AnalyticCostModel(planned, plan.wire()));
    return Simulator.run(deployment, requests);
  }

  @Test
  void isTheDefault() {
    assertThat(PlanOptions.DEFAULTS.strategy()).isEqualTo("adaptive");
  }

  @Test
  void isAsGoodAsTheOthersAtLeast() {
    for (ModelSpec model : List.of(LLAMA, QWEN)) {
      Fleet fleet = KnownFleets.get("full12");
      Workload workload = workload(model == LLAMA ? 1.5 : 0.25);
      Plan ours = plan(model, fleet, workload, options("adaptive"));
      assertThat(ours.strategy()).isEqualTo("adaptive");
      assertThat(ours.wire()).isEqualTo(WireFormats.lossless(KvType.F16));
      double seconds = meanSeconds(ours, model, fleet, workload);
      for (String other : List.of("replicas", "e2llm", "single-pipeline", "splitwise")) {
        Plan theirs = plan(model, fleet, workload, options(other));
        assertThat(seconds)
            .as(other)
            .isLessThan(1.05 * meanSeconds(theirs, model, fleet, workload));
      }
    }
  }

  @Test
  void keepsAnSloInViewWhereThatServesMoreInTime() {
    Fleet fleet = KnownFleets.get("homog8");
    Workload workload = workload(1.2);
    Slo slo = new Slo(8, 0.2);
    Plan plan =
        new Planner()
            .plan(LLAMA, fleet, workload, slo, options("adaptive").build(), PlanListener.NONE);
    Plan without = plan(LLAMA, fleet, workload, options("adaptive"));
    assertThat(plan.policy().slo()).isNotEqualTo(Slo.NONE);
    assertThat(without.policy().slo()).isEqualTo(Slo.NONE);
    assertThat(run(plan, LLAMA, fleet, workload).goodput(slo))
        .isGreaterThan(run(without, LLAMA, fleet, workload).goodput(slo));
    assertThat(meanSeconds(plan, LLAMA, fleet, workload))
        .isLessThan(1.1 * meanSeconds(without, LLAMA, fleet, workload));
  }

  @Test
  void putsLessOnTheNetworkWhereThatIsAllowed() {
    Plan plan = plan(LLAMA, KnownFleets.get("homog8"), workload(0.5), options("adaptive+q8wire"));
    assertThat(plan.strategy()).isEqualTo("adaptive+q8wire");
    assertThat(plan.wire()).isEqualTo(new WireFormats(HiddenType.F16, KvType.Q8_0));
  }

  @Test
  void aRouterThatIsAskedForIsTaken() {
    Plan plan =
        plan(
            LLAMA,
            KnownFleets.get("homog8"),
            workload(0.5),
            options("adaptive").router(RouterKind.JSQ));
    assertThat(plan.policy().router()).isEqualTo(RouterKind.JSQ);
  }

  @Test
  void plansForAConcurrencyToo() {
    Workload many = Workload.concurrent(List.of(new Workload.Lengths(900, 100)), 20);
    Plan plan = plan(LLAMA, KnownFleets.get("mid10"), many, options("adaptive"));
    assertThat(plan.replicas()).hasSizeGreaterThan(2);
  }

  /** What a live cluster knows: some at a time, and no rate. */
  @Test
  void withoutARateIsAsGoodAsTheOthersWithFewRequestsAndWithMany() {
    Workload some = Workload.concurrent(List.of(new Workload.Lengths(256, 256)), 8);
    Fleet fleet = KnownFleets.get("mid10");
    List<Plan> plans = new ArrayList<>();
    for (String strategy : List.of("adaptive", "replicas", "e2llm")) {
      plans.add(plan(LLAMA, fleet, some, options(strategy).throughput(true)));
    }
    PlanOptions seed = options("adaptive").seed(99).build(); // not the requests it was made with
    double[] costs = new Planner().compare(plans, LLAMA, fleet, some, Slo.NONE, seed);
    assertThat(costs[0]).isLessThan(1.02 * costs[1]).isLessThan(costs[2]);
  }

  @Test
  void aPlanIsComparedAsWorseWithADeviceLess() {
    Fleet fleet = KnownFleets.get("homog8");
    Plan all = plan(LLAMA, fleet, workload(0.5), options("replicas"));
    Plan fewer = plan(LLAMA, fleet, workload(0.5), options("replicas").exclude("nano-1"));
    double[] costs =
        new Planner()
            .compare(
                List.of(all, fewer, all),
                LLAMA,
                fleet,
                workload(0.5),
                Slo.NONE,
                PlanOptions.DEFAULTS);
    assertThat(costs[1]).isGreaterThan(costs[0]);
    assertThat(costs[2]).as("the same requests").isEqualTo(costs[0]);
  }

  @Test
  void saysOfDevicesThatAreLeftOutWhatPlansWithThemCameTo() {
    List<DeviceProfile> devices = new ArrayList<>(KnownFleets.get("homog8").devices());
    devices.add(
        new DeviceProfile(
            "router", "Wi-Fi router", 1e9, 1e9, 1e8, 0.05, 2_000_000_000L, true, Nic.WIFI));
    Fleet fleet = Fleet.of("with a brake", devices);
    Plan plan = plan(LLAMA, fleet, workload(0.5), options("adaptive"));
    assertThat(plan.placements())
        .filteredOn(placement -> placement.device().equals("router"))
        .singleElement()
        .satisfies(
            placement -> {
              assertThat(placement.placed()).isFalse();
              assertThat(placement.reason()).startsWith("Left out: ").contains("simulated");
            });
  }

  @Test
  void tellsHowFarItIsAndStopsWhenItIsCancelled() {
    List<Double> progress = new ArrayList<>();
    PlanListener listener =
        new PlanListener() {
          @Override
          public void progress(double done) {
            progress.add(done);
          }

          @Override
          public boolean isCancelled() {
            return !progress.isEmpty() && progress.get(progress.size() - 1) > 0.5;
          }
        };
    assertThatThrownBy(
            () ->
                new Planner()
                    .plan(
                        LLAMA,
                        KnownFleets.get("homog8"),
                        workload(0.5),
                        Slo.NONE,
                        options("adaptive").build(),
                        listener))
        .isInstanceOf(PlanCancelledException.class);
    assertThat(progress).isSorted();
    assertThat(progress.get(progress.size() - 1)).isBetween(0.5, 0.6);
  }
}

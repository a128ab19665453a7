package org.e2llm.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import org.e2llm.E2llmException;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.InvalidRequestException;
import org.e2llm.PlanCancelledException;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanCodec;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.WireFormats;
import org.e2llm.plan.Workload;
import org.e2llm.planner.catalog.KnownFleets;
import org.e2llm.planner.catalog.KnownModels;
import org.e2llm.planner.strategy.Strategies;
import org.e2llm.planner.strategy.Strategy;
import org.e2llm.spi.PlannerProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plans that an app gets, the wishes it has, and the errors it meets. */
class PlannerTest {
  private static final ModelSpec LLAMA = KnownModels.get("llama3-8b-q4");
  private static final ModelSpec QWEN = KnownModels.get("qwen25-32b-q4");
  private static final Workload MANY =
      Workload.atRate(List.of(new Workload.Lengths(1000, 200), new Workload.Lengths(3000, 50)), 1);

  /** Few tokens to simulate. */
  private static final Workload BRIEF =
      Workload.atRate(List.of(new Workload.Lengths(1000, 20), new Workload.Lengths(3000, 5)), 1);

  private static final Workload ONE =
      Workload.concurrent(List.of(new Workload.Lengths(500, 200)), 1);

  /** Plans that several tests look at, by what they were asked for. */
  private static final Map<List<Object>, Plan> KNOWN = new HashMap<>();

  private final Planner planner = new Planner();

  private Plan plan(ModelSpec model, Fleet fleet, Workload workload, PlanOptions.Builder options) {
    return planner.plan(model, fleet, workload, Slo.NONE, options.build(), PlanListener.NONE);
  }

  /** The strategy's plan for many brief requests, made once. */
  private Plan known(ModelSpec model, String fleet, Strategy strategy) {
    return KNOWN.computeIfAbsent(
        List.of(model, fleet, strategy),
        asked ->
            plan(model, KnownFleets.get(fleet), BRIEF, options().strategy(strategy.fullName())));
  }

  private static PlanOptions.Builder options() {
    return PlanOptions.builder().strategy("e2llm").evaluations(600);
  }

  @Test
  void theServiceIsFound() {
    assertThat(ServiceLoader.load(PlannerProvider.class)).hasAtLeastOneElementOfType(Planner.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"full12", "mid10", "weak10", "homog8"})
  void everyStrategyGivesSoundPlansWithAReasonForEveryDevice(String name) {
    Fleet fleet = KnownFleets.get(name);
    for (ModelSpec model : List.of(LLAMA, QWEN)) {
      for (Strategy strategy : Strategies.list()) {
        Plan plan = known(model, name, strategy);
        assertThat(plan.placements())
            .extracting(Placement::device)
            .containsExactlyElementsOf(fleet.devices().stream().map(DeviceProfile::id).toList());
        assertThat(plan.placements()).allSatisfy(p -> assertThat(p.reason()).endsWith("."));
        for (ReplicaPlan replica : plan.replicas()) {
          assertThat(replica.kvTokens()).isGreaterThanOrEqualTo(3000 + 1024);
          assertThat(replica.expected().requestsPerSecond()).isPositive();
          assertThat(replica.expected().tpotSeconds()).isPositive();
          assertThat(replica.expected().ttftSeconds()).isPositive();
        }
        assertThat(PlanCodec.parse(PlanCodec.toJson(plan))).isEqualTo(plan);
        Plan judged = planner.judge(plan, model, fleet, BRIEF, Slo.NONE, options().build());
        assertThat(judged).isEqualTo(plan);
      }
    }
  }

  @Test
  void strategiesAreWhatTheirNamesSay() {
    Fleet fleet = KnownFleets.get("full12");
    Plan e2llm = plan(QWEN, fleet, MANY, options().strategy("e2llm"));
    assertThat(roles(e2llm)).containsExactlyInAnyOrder(Role.PREFILL, Role.DECODE);
    assertThat(e2llm.policy().router()).isEqualTo(RouterKind.ECT);
    Plan replicas = plan(QWEN, fleet, MANY, options().strategy("replicas"));
    assertThat(roles(replicas)).containsExactly(Role.MIXED);
    Plan single = plan(QWEN, fleet, MANY, options().strategy("single-pipeline"));
    assertThat(single.replicas()).hasSize(1);
    Plan splitwise = plan(QWEN, fleet, MANY, options().strategy("splitwise:tuned+mixed"));
    assertThat(splitwise.policy().router()).isEqualTo(RouterKind.JSQ);
    assertThat(splitwise.policy().mixedPool()).isTrue();
    assertThat(splitwise.policy().chunkTokens()).isEqualTo(2048);
    Plan crossed = plan(QWEN, fleet, MANY, options().strategy("splitwise").router(RouterKind.ECT));
    assertThat(crossed.policy().router()).isEqualTo(RouterKind.ECT);
    assertThatThrownBy(() -> plan(QWEN, fleet, MANY, options().strategy("best")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("splitwise:tuned+mixed");
  }

  @Test
  void theSameSeedGivesTheSamePlanAlsoWhenItIsWatched() {
    for (Strategy strategy : Strategies.list()) {
      List<Double> progress = new ArrayList<>();
      PlanListener listener =
          new PlanListener() {
            @Override
            public void progress(double done) {
              progress.add(done);
            }
          };
      PlanOptions options = options().strategy(strategy.fullName()).build();
      Plan two = planner.plan(QWEN, KnownFleets.get("mid10"), BRIEF, Slo.NONE, options, listener);
      Plan one = known(QWEN, "mid10", strategy);
      assertThat(two).isEqualTo(one);
      assertThat(PlanCodec.hash(two)).isEqualTo(PlanCodec.hash(one));
      assertThat(progress).isSorted().endsWith(1.0);
    }
  }

  @Test
  void severalPlansDiffer() {
    List<Plan> plans =
        planner.plans(
            QWEN,
            KnownFleets.get("full12"),
            MANY,
            Slo.NONE,
            options().build(),
            PlanListener.NONE,
            8);
    assertThat(plans).hasSize(8).doesNotHaveDuplicates();
  }

  @Test
  void oneSessionIsNeverSlowerThanOnTheBestDeviceAlone() {
    for (String name : List.of("e2llm", "replicas", "single-pipeline")) {
      for (String fleetName : KnownFleets.names()) {
        Fleet fleet = KnownFleets.get(fleetName);
        double with = seconds(plan(LLAMA, fleet, ONE, options().strategy(name)));
        for (DeviceProfile device : fleet.devices()) {
          try {
            Fleet alone = Fleet.of("alone", List.of(device));
            assertThat(with)
                .as("%s on %s against %s", name, fleetName, device.id())
                .isLessThanOrEqualTo(
                    seconds(plan(LLAMA, alone, ONE, options().strategy(name))) * 1.000001);
          } catch (InfeasiblePlanException e) {
            assertThat(e.missingBytes()).isPositive();
          }
        }
      }
    }
  }

  /** Of the mean request alone on the only replica. */
  private static double seconds(Plan plan) {
    ReplicaPlan replica = plan.replicas().get(0);
    return replica.expected().ttftSeconds() + 199 * replica.expected().tpotSeconds();
  }

  @Test
  void fewSessionsWantNoRoles() {
    Plan plan = plan(LLAMA, KnownFleets.get("full12"), ONE, options());
    assertThat(roles(plan)).containsExactly(Role.MIXED);
    Plan many = plan(LLAMA, KnownFleets.get("full12"), ONE, options().throughput(true));
    assertThat(roles(many)).containsExactlyInAnyOrder(Role.PREFILL, Role.DECODE);
  }

  @Test
  void wishesAreKept() {
    Fleet fleet = KnownFleets.get("full12");
    Plan pinned = plan(QWEN, fleet, MANY, options().pin("phone", LayerRange.of(3, 9)));
    assertThat(layers(pinned, "phone")).isEqualTo(LayerRange.of(3, 9));
    assertThat(reason(pinned, "phone")).contains("pinned to layers [3, 9)");
    Plan excluded = plan(QWEN, fleet, MANY, options().exclude("rtx3060").exclude("agx"));
    assertThat(layers(excluded, "rtx3060")).isNull();
    assertThat(reason(excluded, "agx")).isEqualTo("Excluded by the app.");
    Plan without = plan(LLAMA, fleet, MANY, options());
    assertThat(layers(without, "i7")).isNull();
    Plan preferred = plan(LLAMA, fleet, MANY, options().prefer("i7"));
    assertThat(layers(preferred, "i7")).isNotNull();
  }

  @Test
  void wishesThatCannotBeKeptAreNamed() {
    Fleet fleet = KnownFleets.get("weak10");
    assertThatThrownBy(() -> options().pin("i7-1", LayerRange.of(0, 4)).exclude("i7-1").build())
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("i7-1 is pinned to layers and excluded");
    assertThatThrownBy(() -> plan(LLAMA, fleet, MANY, options().pin("i7-1", LayerRange.of(30, 33))))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("has 32");
    assertThatThrownBy(() -> plan(LLAMA, fleet, MANY, options().exclude("nobody")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("nobody is not in fleet weak10");
    assertThatThrownBy(
            () -> plan(QWEN, fleet, MANY, options().pin("phone-1", LayerRange.of(0, 40))))
        .isInstanceOfSatisfying(
            InfeasiblePlanException.class, e -> assertThat(e.missingBytes()).isPositive())
        .hasMessageContaining("phone-1 is pinned to layers [0, 40)");
    assertThatThrownBy(
            () ->
                plan(
                    LLAMA,
                    Fleet.of("two", fleet.devices().subList(0, 2)),
                    MANY,
                    options().pin("pi5-1", LayerRange.of(0, 8)).pin("pi5-2", LayerRange.of(0, 8))))
        .isInstanceOf(InfeasiblePlanException.class)
        .hasMessageContaining("pinned");
  }

  @Test
  void aModelThatFitsNowhereSaysHowMuchMemoryIsMissing() {
    Fleet pis = Fleet.of("pis", KnownFleets.get("weak10").devices().subList(0, 2));
    assertThatThrownBy(() -> plan(QWEN, pis, MANY, options()))
        .isInstanceOfSatisfying(
            InfeasiblePlanException.class,
            e -> assertThat(e.missingBytes()).isBetween(8_000_000_000L, 10_000_000_000L))
        .hasMessageContaining("Qwen2.5-32B needs")
        .hasMessageContaining("pi5-1, pi5-2")
        .hasMessageContaining("are missing");
  }

  @Test
  void devicesThatDoNotReachEachOtherAreNoCluster() {
    List<DeviceProfile> devices = KnownFleets.get("homog8").devices().subList(0, 4);
    List<LinkProfile> cut = new ArrayList<>();
    for (String a : List.of("nano-1", "nano-2")) {
      for (String b : List.of("nano-3", "nano-4")) {
        cut.add(LinkProfile.none(a, b));
      }
    }
    Fleet split = new Fleet("split", devices, cut);
    assertThatThrownBy(() -> plan(QWEN, split, MANY, options()))
        .isInstanceOf(InfeasiblePlanException.class)
        .hasMessageContaining("not all reach each other");
    Plan half = plan(LLAMA, split, MANY, options());
    assertThat(reason(half, "nano-3")).contains("Does not reach nano-1");
    assertThat(layers(half, "nano-1")).isNotNull();
  }

  @Test
  void linksThatAreMissingInsideAClusterAreGoneAround() {
    Fleet fleet =
        new Fleet(
            "gap",
            KnownFleets.get("homog8").devices(),
            List.of(LinkProfile.none("nano-1", "nano-2"), LinkProfile.none("nano-3", "nano-8")));
    for (String strategy : List.of("e2llm", "replicas", "single-pipeline")) {
      Plan plan = plan(QWEN, fleet, MANY, options().strategy(strategy));
      assertThat(planner.judge(plan, QWEN, fleet, MANY, Slo.NONE, options().build()))
          .isEqualTo(plan);
    }
  }

  @Test
  void devicesWithOtherArithmeticAreNotMixedUnasked() {
    List<DeviceProfile> devices = new ArrayList<>(KnownFleets.get("homog8").devices());
    DeviceProfile nano = devices.get(0);
    DeviceProfile old =
        new DeviceProfile(
            "old",
            "Old PC",
            nano.prefillFlops(),
            nano.decodeFlops(),
            nano.memoryBandwidth(),
            nano.stepSeconds(),
            nano.memoryBytes(),
            false,
            Nic.GIGABIT_ETHERNET);
    devices.add(old);
    Fleet fleet = Fleet.of("mixed", devices);
    Plan plan = plan(LLAMA, fleet, MANY, options().strategy("replicas"));
    assertThat(reason(plan, "old")).contains("no fused multiply-add");
    Plan mixed = plan(LLAMA, fleet, MANY, options().strategy("replicas").mixFma(true));
    assertThat(layers(mixed, "old")).isNotNull();
    assertThatThrownBy(() -> planner.judge(mixed, LLAMA, fleet, MANY, Slo.NONE, options().build()))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("fused multiply-add");
  }

  @Test
  void aPlanOfTheAppIsCheckedAndJudged() {
    Fleet fleet = KnownFleets.get("weak10");
    Plan plan = plan(QWEN, fleet, MANY, options().strategy("single-pipeline"));
    Workload longer = Workload.atRate(List.of(new Workload.Lengths(6000, 20)), 1);
    Plan judged = planner.judge(plan, QWEN, fleet, longer, Slo.NONE, options().build());
    assertThat(judged.replicas().get(0).stages()).isEqualTo(plan.replicas().get(0).stages());
    assertThat(judged.replicas().get(0).expected().ttftSeconds())
        .isGreaterThan(plan.replicas().get(0).expected().ttftSeconds());
    assertThatThrownBy(() -> planner.judge(plan, LLAMA, fleet, MANY, Slo.NONE, options().build()))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("64 layers");
    assertThatThrownBy(
            () ->
                planner.judge(
                    plan, QWEN, KnownFleets.get("homog8"), MANY, Slo.NONE, options().build()))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("is not in fleet homog8");
    Plan greedy =
        new Plan(
            plan.order(),
            plan.model(),
            "own",
            plan.wire(),
            plan.policy(),
            List.of(
                new ReplicaPlan(
                    Role.MIXED,
                    List.of(
                        new StagePlan("phone-1", LayerRange.of(0, 32)),
                        new StagePlan("i7-1", LayerRange.of(32, 64))),
                    1,
                    new ReplicaPlan.Expected(0, 0, 0, 0))),
            List.of(new Placement("phone-1", true, "wish"), new Placement("i7-1", true, "wish")));
    assertThatThrownBy(() -> planner.judge(greedy, QWEN, fleet, MANY, Slo.NONE, options().build()))
        .isInstanceOfSatisfying(
            InfeasiblePlanException.class, e -> assertThat(e.missingBytes()).isPositive())
        .hasMessageContaining("device phone-1 offers 6.00 GB, but layers [0, 32) need");
  }

  @Test
  void planningIsCancelled() {
    PlanListener cancelled =
        new PlanListener() {
          @Override
          public boolean isCancelled() {
            return true;
          }
        };
    for (Strategy strategy : Strategies.list()) {
      PlanOptions options = options().strategy(strategy.fullName()).build();
      assertThatThrownBy(
              () ->
                  planner.plan(QWEN, KnownFleets.get("mid10"), MANY, Slo.NONE, options, cancelled))
          .isInstanceOf(PlanCancelledException.class);
    }
  }

  @Test
  void lossyWireFormatsAreNamedInThePlanAndCarryMore() {
    Fleet fleet = KnownFleets.get("full12");
    Plan lossless = plan(LLAMA, fleet, MANY, options());
    assertThat(lossless.wire()).isEqualTo(WireFormats.lossless(KvType.F16));
    WireFormats lossy = new WireFormats(HiddenType.F16, KvType.Q8_0);
    Plan small = plan(LLAMA, fleet, MANY, options().wire(lossy));
    assertThat(small.wire()).isEqualTo(lossy);
    assertThat(capacity(small)).isGreaterThan(1.2 * capacity(lossless));
  }

  private static double capacity(Plan plan) {
    double prompts = 0;
    double answers = 0;
    for (ReplicaPlan replica : plan.replicas()) {
      prompts += replica.role() == Role.PREFILL ? replica.expected().requestsPerSecond() : 0;
      answers += replica.role() == Role.DECODE ? replica.expected().requestsPerSecond() : 0;
    }
    return Math.min(prompts, answers);
  }

  @Test
  void aTpotThatIsAskedForBoundsTheBatch() {
    Fleet fleet = KnownFleets.get("homog8");
    PlanOptions options = options().strategy("replicas").build();
    Plan fast = planner.plan(LLAMA, fleet, MANY, new Slo(60, 0.14), options, PlanListener.NONE);
    assertThat(fast.replicas())
        .allSatisfy(r -> assertThat(r.expected().tpotSeconds()).isLessThan(0.14));
  }

  @Test
  void errorsAreTyped() {
    assertThatThrownBy(
            () -> planner.plan(LLAMA, List.of(), List.of(), MANY, Slo.NONE, PlanOptions.DEFAULTS))
        .isInstanceOf(E2llmException.class)
        .hasMessageContaining("no device");
    Fleet homog = KnownFleets.get("homog8");
    PlanOptions.Builder all = options();
    homog.devices().forEach(device -> all.exclude(device.id()));
    assertThatThrownBy(() -> plan(LLAMA, homog, MANY, all))
        .isInstanceOf(InfeasiblePlanException.class)
        .hasMessageContaining("all 8 devices");
  }

  private static Set<Role> roles(Plan plan) {
    Set<Role> roles = new HashSet<>();
    plan.replicas().forEach(replica -> roles.add(replica.role()));
    return roles;
  }

  private static LayerRange layers(Plan plan, String device) {
    for (ReplicaPlan replica : plan.replicas()) {
      for (StagePlan stage : replica.stages()) {
        if (stage.device().equals(device)) {
          return stage.layers();
        }
      }
    }
    return null;
  }

  private static String reason(Plan plan, String device) {
    return plan.placements().stream()
        .filter(placement -> placement.device().equals(device))
        .findFirst()
        .orElseThrow()
        .reason();
  }
}

package org.e2llm.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.e2llm.plan.PlanListener.NONE;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.KeptEnds;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.StepWork;
import org.e2llm.plan.WireFormats;
import org.e2llm.plan.Workload;
import org.e2llm.spi.PlannerProvider;
import org.e2llm.testing.FakeEngine;
import org.e2llm.transport.cluster.ClusterTimers;
import org.e2llm.transport.cluster.Effect;
import org.e2llm.transport.cluster.LocalPeer;
import org.e2llm.transport.cluster.PeerInfo;
import org.e2llm.transport.cluster.Sharing;
import org.e2llm.transport.cluster.View;
import org.junit.jupiter.api.Test;

/** How measured links become part of a fleet, and when a better plan is worth moving to. */
class PlanDeskTest {
  private static final DeviceProfile A = device("a", Nic.GIGABIT_ETHERNET);
  private static final DeviceProfile B = device("b", Nic.WIFI);

  private final Answers planner = new Answers();
  private final ModelSpec model = FakeEngine.spec(64);
  private final View view = meet(false);

  @Test
  void ofTwoMeasurementsTheWorseCounts() {
    LinkProfile link =
        PlanDesk.link(A, B, new LinkBook.Figures(9e7, 1e-4), new LinkBook.Figures(5e7, 3e-4));
    assertThat(link).isEqualTo(new LinkProfile("a", "b", 5e7, 3e-4, "wifi"));
  }

  @Test
  void withoutMeasurementTheInterfacesCount() {
    assertThat(PlanDesk.link(A, B, null, null)).isNull();
    assertThat(PlanDesk.link(A, B, null, new LinkBook.Figures(5e7, 3e-4)).bytesPerSecond())
        .isEqualTo(5e7);
  }

  @Test
  void thePlannerIsToldOfTheLink() {
    planner.made = chain(1);
    desk().plan(view, null, false, false, NONE);
    assertThat(planner.asked.devices()).extracting(DeviceProfile::id).containsExactly("a", "b");
    assertThat(planner.asked.links()).containsExactly(new LinkProfile("a", "b", 5e7, 3e-4, "wifi"));
  }

  @Test
  void noMoreMemoryIsPlannedForThanASessionMayNeed() {
    planner.made = chain(1);
    PlanOptions small = PlanOptions.builder().contextLength(300).build();
    new PlanDesk(planner, model, small).plan(view, null, false, false, NONE);
    assertThat(planner.workload)
        .isEqualTo(new Workload(List.of(new Workload.Lengths(150, 150)), 0, 1, 150));
    PlanOptions large = PlanOptions.builder().contextLength(8192).build();
    new PlanDesk(planner, model, large).plan(view, null, false, false, NONE);
    assertThat(planner.workload)
        .isEqualTo(Workload.concurrent(List.of(new Workload.Lengths(256, 256)), 1));
  }

  @Test
  void plansForManyAreMadeForAllKindsOfRequestsAsFarAsASessionMayBeSo() {
    planner.made = chain(1);
    PlanOptions large = PlanOptions.builder().contextLength(4096).build();
    new PlanDesk(planner, model, large).plan(meet(true), null, false, false, NONE);
    assertThat(planner.workload.lengths()).hasSize(3);
    assertThat(planner.workload.concurrency()).isEqualTo(8);
    PlanOptions small = PlanOptions.builder().contextLength(300).build();
    new PlanDesk(planner, model, small).plan(meet(true), null, false, false, NONE);
    assertThat(planner.workload)
        .isEqualTo(
            new Workload(
                List.of(
                    new Workload.Lengths(150, 150),
                    new Workload.Lengths(150, 64),
                    new Workload.Lengths(128, 172)),
                0,
                8,
                150));
  }

  @Test
  void plansAreMadeForWhatAppsExpectAsFarAsASessionMayBeSo() {
    planner.made = chain(1);
    Workload.Lengths document = new Workload.Lengths(9000, 100);
    Workload.Lengths question = new Workload.Lengths(20, 300);
    Map<String, Workload> stated =
        Map.of(
            "a", new Workload(List.of(document), 0.5, 0, 512),
            "b", new Workload(List.of(question), 2, 3, 1024));
    PlanOptions context = PlanOptions.builder().contextLength(4096).build();
    PlanDesk desk = new PlanDesk(planner, model, context);
    Map<String, Holding> files = Map.of("a", HOLDING, "b", HOLDING);
    desk.plan(meet(true, files, Map.of(), Map.of(), stated), null, false, false, NONE);
    Workload.Lengths cut = new Workload.Lengths(3072, 100);
    assertThat(planner.workload).isEqualTo(new Workload(List.of(cut, question), 2.5, 3, 1024));
    desk.plan(meet(false, files, Map.of(), Map.of(), stated), null, false, false, NONE);
    assertThat(planner.workload)
        .as("one at a time")
        .isEqualTo(new Workload(List.of(cut, question), 0, 1, 1024));
  }

  @Test
  void aPlanGivesWayOnlyToOneThatIsATenthBetter() {
    Plan before = one("a", 1);
    planner.judged.put(before, one("a", 1));
    planner.made = chain(0.95);
    assertThat(plan(view, before, false)).isSameAs(before);
    planner.made = chain(0.85);
    assertThat(plan(view, before, false)).isEqualTo(planner.made);
  }

  @Test
  void nobodyStaysInAChainThatIsSlowerThanOneDevice() {
    Plan before = chain(1);
    planner.judged.put(before, chain(1));
    planner.made = one("b", 0.99);
    assertThat(plan(view, before, false)).isEqualTo(planner.made);
    assertThat(plan(meet(true), before, false)).as("one of them asks").isSameAs(before);
  }

  @Test
  void anotherWishIsFollowedWhateverItCosts() {
    Plan before = one("a", 1);
    planner.judged.put(before, one("a", 1));
    planner.made = chain(3);
    assertThat(plan(view, before, true)).isEqualTo(planner.made);
  }

  @Test
  void aPlanThatFitsNoMoreGivesWay() {
    planner.made = chain(3);
    assertThat(plan(view, one("gone", 1), false)).isEqualTo(planner.made);
  }

  @Test
  void theSameWorkIsNewsOnlyIfItSpeaksOfOtherDevices() {
    Plan before = one("a", 1);
    planner.judged.put(before, one("a", 2));
    planner.made = one("a", 2);
    assertThat(plan(view, before, false)).isSameAs(before);
    planner.made = plan(2, List.of(stage("a", 0, 2)), List.of("a", "b"));
    assertThat(plan(view, before, false)).isEqualTo(planner.made);
  }

  @Test
  void aPlanThatStaysSaysWhyWhoCameSinceHasNoPart() {
    Plan before = one("a", 1);
    planner.judged.put(before, plan(1, List.of(stage("a", 0, 2)), List.of("a", "b")));
    planner.made = chain(0.95);
    Plan kept = plan(view, before, false);
    assertThat(kept.replicas()).isEqualTo(before.replicas());
    assertThat(kept.placements())
        .containsExactly(
            before.placements().get(0),
            new Placement(
                "b", false, "Left out: a plan with it is too little better to move for."));

    planner.judged.put(kept, kept);
    assertThat(plan(view, kept, false)).as("once it is said").isSameAs(kept);
  }

  @Test
  void whileTheNewPlanFetchesTheOneBeforeIsMended() {
    View known = meet(false, Map.of("a", part(0, 99), "b", part(1, 99)));
    Plan broken = plan(1, List.of(stage("a", 0, 1), stage("gone", 1, 2)), List.of("a", "gone"));
    planner.judge = each -> each.equals(broken) ? null : one("a", 1);

    planner.made = one("b", 0.5); // which lacks layer 0
    assertThat(desk().plan(known, broken, false, false, NONE))
        .isEqualTo(new PlanDesk.Answer(one("a", 1), true));
    planner.made = one("a", 0.5); // which has all
    assertThat(desk().plan(known, broken, true, false, NONE))
        .isEqualTo(new PlanDesk.Answer(one("a", 1), false));
  }

  /** What it holds of sessions it need not compute again; where it would, that has to pay. */
  @Test
  void whoIsLeftKeepsItsLayersUnlessAnotherPlanIsATenthBetter() {
    Plan broken = plan(1, List.of(stage("a", 0, 1), stage("gone", 1, 2)), List.of("a", "gone"));
    Plan mended = chain(1);
    planner.judge = each -> stages(each).equals(stages(mended)) ? mended : null;
    planner.made = plan(0.95, List.of(stage("b", 0, 1), stage("a", 1, 2)), List.of("a", "b"));
    assertThat(desk().plan(view, broken, false, false, NONE))
        .isEqualTo(new PlanDesk.Answer(mended, false));
    planner.made = plan(0.85, List.of(stage("b", 0, 1), stage("a", 1, 2)), List.of("a", "b"));
    assertThat(desk().plan(view, broken, false, false, NONE))
        .isEqualTo(new PlanDesk.Answer(planner.made, false));
  }

  @Test
  void aStrategyThatTheAppNamesIsUsedWhereThroughputCounts() {
    planner.made = one("a", 1);
    PlanOptions named = PlanOptions.builder().strategy("e2llm").build();
    PlanDesk desk = new PlanDesk(planner, model, named);
    desk.plan(view, null, false, false, NONE);
    assertThat(planner.wishes.strategy()).isEqualTo("single-pipeline");
    desk.plan(meet(true), null, false, false, NONE);
    assertThat(planner.wishes.strategy()).isEqualTo("e2llm");
    desk().plan(meet(true), null, false, false, NONE);
    assertThat(planner.wishes.strategy()).isEqualTo("adaptive");
  }

  @Test
  void whereThroughputCountsPlansAreComparedBySimulation() {
    Plan before = chain(1);
    planner.judged.put(before, before);
    planner.made = roles(0.5, 0.95);
    assertThat(plan(meet(true), before, false)).isSameAs(before);
    planner.made = roles(0.5, 0.85);
    assertThat(plan(meet(true), before, false)).isEqualTo(planner.made);
  }

  /** It takes seconds: sessions do not wait for it, but for what mends the plan before. */
  @Test
  void whereThroughputCountsAPlanIsMendedBeforeABetterOneIsSearchedFor() {
    Plan broken = plan(1, List.of(stage("a", 0, 1), stage("gone", 1, 2)), List.of("a", "gone"));
    planner.judge = each -> each.equals(broken) ? null : chain(1);
    planner.made = one("a", 0.1);
    assertThat(desk().plan(meet(true), broken, false, false, NONE))
        .isEqualTo(new PlanDesk.Answer(chain(1), true));
    assertThat(planner.asked).as("nothing was searched for").isNull();
    assertThat(plan(meet(true), chain(1), false)).as("soon afterwards").isEqualTo(planner.made);
  }

  @Test
  void theReplicaThatDecodesIsChosenWhenARequestComes() {
    ServingPolicy free = new ServingPolicy(RouterKind.ECT, true, true, true, false, 512);
    planner.made = one("a", 1).withPolicy(free);
    assertThat(plan(meet(true), null, false).policy())
        .isEqualTo(new ServingPolicy(RouterKind.ECT, false, true, true, false, 512));
  }

  @Test
  void ofTwoThatKeepTheEndsTheLowerIdHasThem() {
    planner.made = one("a", 1);
    Map<String, Holding> files = Map.of("a", HOLDING, "b", HOLDING);
    desk().plan(meet(false, files, Map.of("b", new KeptEnds(2, 1))), null, false, false, NONE);
    assertThat(planner.wishes.ends()).isEqualTo(Map.of("b", new KeptEnds(2, 1)));
    Map<String, KeptEnds> both = Map.of("a", new KeptEnds(1, 1), "b", new KeptEnds(2, 1));
    desk().plan(meet(false, files, both), null, false, false, NONE);
    assertThat(planner.wishes.ends()).isEqualTo(Map.of("a", new KeptEnds(1, 1)));
  }

  @Test
  void whatAppsStateReachesThePlanTheStrictestLimitsCount() {
    planner.made = one("a", 1);
    Map<String, Holding> files = Map.of("a", HOLDING, "b", HOLDING);
    Map<String, Slo> slos = Map.of("a", new Slo(2, 0.5), "b", new Slo(3, 0.2));
    Plan plan = plan(meet(false, files, Map.of(), slos), null, true);
    assertThat(plan.policy().slo()).isEqualTo(new Slo(2, 0.2));
    assertThat(plan.replicas()).isEqualTo(planner.made.replicas());
    assertThat(planner.inView).as("the quickest for one session, in any case").isEqualTo(Slo.NONE);
    plan(meet(true, files, Map.of(), slos), null, true);
    assertThat(planner.inView).isEqualTo(new Slo(2, 0.2));
    assertThat(plan(view, null, false)).as("nobody states any").isEqualTo(planner.made);
  }

  @Test
  void whoComesWithAnSloHasItKeptByThePlanInForce() {
    Plan before = one("a", 1);
    planner.judge = each -> each;
    planner.made = chain(0.95);
    Map<String, Holding> files = Map.of("a", HOLDING, "b", HOLDING);
    View stated = meet(false, files, Map.of(), Map.of("b", new Slo(2, 0.5)));
    Plan now = plan(stated, before, false);
    assertThat(now.replicas()).isEqualTo(before.replicas());
    assertThat(now.policy().slo()).isEqualTo(new Slo(2, 0.5));
    assertThat(plan(stated, now, false)).as("once it is there").isSameAs(now);
    assertThat(plan(view, now, false)).as("who stated it has gone").isEqualTo(before);
  }

  private static Plan roles(double prefillSeconds, double decodeSeconds) {
    Plan like = plan(1, List.of(stage("a", 0, 2)), List.of("a"));
    return new Plan(
        like.order(),
        like.model(),
        like.strategy(),
        like.wire(),
        like.policy(),
        List.of(
            replica(Role.PREFILL, prefillSeconds, "a"), replica(Role.DECODE, decodeSeconds, "b")),
        List.of(new Placement("a", true, "because"), new Placement("b", true, "because")));
  }

  private static ReplicaPlan replica(Role role, double seconds, String device) {
    ReplicaPlan.Expected expected = new ReplicaPlan.Expected(0, seconds, 1 / seconds, 1);
    return new ReplicaPlan(role, List.of(stage(device, 0, 2)), 64, expected);
  }

  private static Holding part(int from, int to) {
    return new Holding("ab".repeat(32), false, 1L << 40, List.of(LayerRange.of(from, to)));
  }

  private Plan plan(View known, Plan before, boolean wished) {
    return desk().plan(known, before, false, wished, NONE).plan();
  }

  private PlanDesk desk() {
    return new PlanDesk(planner, model, PlanOptions.DEFAULTS);
  }

  private Plan one(String device, double seconds) {
    return plan(seconds, List.of(stage(device, 0, 2)), List.of(device));
  }

  private Plan chain(double seconds) {
    return plan(seconds, List.of(stage("a", 0, 1), stage("b", 1, 2)), List.of("a", "b"));
  }

  private static StagePlan stage(String device, int from, int to) {
    return new StagePlan(device, LayerRange.of(from, to));
  }

  private static List<StagePlan> stages(Plan plan) {
    return plan.replicas().get(0).stages();
  }

  private static Plan plan(double seconds, List<StagePlan> stages, List<String> mentioned) {
    List<Placement> placements = new ArrayList<>();
    for (String device : mentioned) {
      boolean placed = stages.stream().anyMatch(stage -> stage.device().equals(device));
      placements.add(new Placement(device, placed, "because"));
    }
    return new Plan(
        PlanOrder.NONE,
        new PlannedFor("m", "", 2, KvType.F16, 64, Arithmetic.F32),
        "test",
        WireFormats.lossless(KvType.F16),
        ServingPolicy.ROLES,
        List.of(
            new ReplicaPlan(
                Role.MIXED, stages, 64, new ReplicaPlan.Expected(0, seconds, 1 / seconds, 1))),
        placements);
  }

  private static DeviceProfile device(String id, Nic nic) {
    return new DeviceProfile(id, id, 1e11, 1e10, 2e10, 1e-4, 1L << 30, true, nic);
  }

  private static final Holding HOLDING = new Holding("ab".repeat(32), true, 0, List.of());

  /** Two peers that have told each other all, as the first sees them. */
  private static View meet(boolean throughput) {
    return meet(throughput, Map.of("a", HOLDING, "b", HOLDING));
  }

  private static View meet(boolean throughput, Map<String, Holding> holdings) {
    return meet(throughput, holdings, Map.of());
  }

  private static View meet(
      boolean throughput, Map<String, Holding> holdings, Map<String, KeptEnds> ends) {
    return meet(throughput, holdings, ends, Map.of());
  }

  private static View meet(
      boolean throughput,
      Map<String, Holding> holdings,
      Map<String, KeptEnds> ends,
      Map<String, Slo> slos) {
    return meet(throughput, holdings, ends, slos, Map.of());
  }

  private static View meet(
      boolean throughput,
      Map<String, Holding> holdings,
      Map<String, KeptEnds> ends,
      Map<String, Slo> slos,
      Map<String, Workload> workloads) {
    Map<String, LocalPeer> peers = new HashMap<>();
    for (DeviceProfile device : List.of(A, B)) {
      PlanOptions wishes = PlanOptions.builder().throughput(throughput && device == B).build();
      String id = device.id();
      PeerDetails details =
          PeerDetails.of(
              device,
              holdings.get(id),
              wishes,
              slos.getOrDefault(id, Slo.NONE),
              workloads.get(id),
              ends.get(id));
      if (device == B) {
        details = details.withLinks(Map.of("a", new LinkBook.Figures(5e7, 3e-4)));
      }
      PeerInfo info =
          new PeerInfo(device.name(), List.of(), Sharing.ACTIVE, 1, 0, details.toBytes());
      peers.put(
          device.id(), new LocalPeer(device.id(), 1, info, ClusterTimers.DEFAULT, plan -> {}, 0));
    }
    peers.get("a").opened("b", 0);
    peers.get("b").opened("a", 0);
    for (int round = 1; round < 20; round++) {
      for (String from : List.of("a", "b")) {
        peers.get(from).tick(round * 100_000_000L);
        for (Effect effect : peers.get(from).takeEffects()) {
          if (effect instanceof Effect.Send send) {
            peers.get(send.peer()).received(from, send.message(), round * 100_000_000L);
          }
        }
      }
    }
    return peers.get("a").view();
  }

  /** A planner that answers what the test says. */
  private static final class Answers implements PlannerProvider {
    Plan made;
    Fleet asked;
    PlanOptions wishes;
    Workload workload;
    Slo inView;
    final Map<Plan, Plan> judged = new HashMap<>();
    UnaryOperator<Plan> judge = plan -> null;

    @Override
    public Plan plan(
        ModelSpec model,
        Fleet fleet,
        Workload workload,
        Slo slo,
        PlanOptions options,
        PlanListener listener) {
      asked = fleet;
      wishes = options;
      this.workload = workload;
      inView = slo;
      return made;
    }

    @Override
    public Plan judge(
        Plan plan, ModelSpec model, Fleet fleet, Workload workload, Slo slo, PlanOptions options) {
      Plan known = judged.containsKey(plan) ? judged.get(plan) : judge.apply(plan);
      if (known == null) {
        throw new InvalidRequestException("it does not fit");
      }
      return known;
    }

    /** The slowest replica counts. */
    @Override
    public double[] compare(
        List<Plan> plans,
        ModelSpec model,
        Fleet fleet,
        Workload workload,
        Slo slo,
        PlanOptions options) {
      return plans.stream()
          .mapToDouble(
              plan ->
                  plan.replicas().stream()
                      .mapToDouble(replica -> replica.expected().tpotSeconds())
                      .max()
                      .orElseThrow())
          .toArray();
    }

    @Override
    public double stepSeconds(
        ModelSpec model,
        DeviceProfile device,
        LayerRange layers,
        PlanOptions options,
        StepWork step) {
      return 1;
    }
  }
}

package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.e2llm.pipeline.Role.DECODE;
import static org.e2llm.pipeline.Role.MIXED;
import static org.e2llm.pipeline.Role.PREFILL;

import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.plan.Slo;
import org.e2llm.serving.Router.Route;
import org.junit.jupiter.api.Test;

class RouterTest {
  private static final ServingPolicy SPILL =
      new ServingPolicy(RouterKind.ECT, true, true, true, false, 512);
  private static final ServingPolicy IN_PLACE =
      new ServingPolicy(RouterKind.ECT, false, false, true, false, 512);
  private static final ServingPolicy POOLS =
      new ServingPolicy(RouterKind.JSQ, false, false, false, true, 512);

  private static TwoSpeeds replicas(double handoffPerToken, Object... rolesAndSpeeds) {
    int n = rolesAndSpeeds.length / 2;
    Role[] roles = new Role[n];
    double[] speeds = new double[n];
    for (int i = 0; i < n; i++) {
      roles[i] = (Role) rolesAndSpeeds[2 * i];
      speeds[i] = (Integer) rolesAndSpeeds[2 * i + 1];
    }
    return new TwoSpeeds(roles, speeds, 10_000, handoffPerToken);
  }

  private static Route route(ServingPolicy policy, TwoSpeeds replicas, ReplicaLoads loads) {
    return Router.of(policy, replicas).route(500, 100, loads);
  }

  @Test
  void rolesAreKept() {
    TwoSpeeds replicas = replicas(0.001, DECODE, 1000, PREFILL, 100, PREFILL, 200);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    assertThat(route(ServingPolicy.ROLES, replicas, loads)).isEqualTo(new Route(2, 0));
    assertThat(route(POOLS, replicas, loads).decode()).isEqualTo(0);
  }

  @Test
  void theFastReplicaIsTakenUntilItsQueueCostsMore() {
    TwoSpeeds replicas = replicas(0.001, MIXED, 1000, MIXED, 100);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    assertThat(route(ServingPolicy.ROLES, replicas, loads)).isEqualTo(new Route(0, 0));
    loads.prefill(0, 100, 100_000);
    assertThat(route(ServingPolicy.ROLES, replicas, loads).prefill()).isEqualTo(1);
  }

  @Test
  void aRequestGoesWhereItKeepsTheSloThatIsInView() {
    TwoSpeeds replicas = replicas(0.001, MIXED, 1000, MIXED, 100);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    loads.prefill(0, 4, 4000);
    assertThat(route(ServingPolicy.ROLES, replicas, loads).prefill()).isEqualTo(1);
    Slo firstIn = new Slo(4.6, Double.POSITIVE_INFINITY); // 4 + 0.5 s there, 5 s here
    assertThat(route(ServingPolicy.ROLES.withSlo(firstIn), replicas, loads).prefill()).isZero();
    Slo eachIn = new Slo(Double.POSITIVE_INFINITY, 0.005); // 1 ms there, 10 ms here
    assertThat(route(ServingPolicy.ROLES.withSlo(eachIn), replicas, loads).decode()).isZero();
    Slo nowhere = new Slo(0.1, 0.0001);
    assertThat(route(ServingPolicy.ROLES.withSlo(nowhere), replicas, loads).prefill()).isOne();
  }

  @Test
  void whereTheFirstTokenComesAfterAHandOffThatTakesItsTime() {
    // Handed off, the first token comes after 2.5 s and the last after 2.6; else 2.3 and 2.7.
    TwoSpeeds replicas = replicas(0.005, PREFILL, 1000, DECODE, 1000, MIXED, 220);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    ServingPolicy roles = ServingPolicy.ROLES;
    Slo both = new Slo(2.6, Double.POSITIVE_INFINITY);
    assertThat(route(roles.withSlo(both), replicas, loads)).isEqualTo(new Route(0, 1));
    Slo one = new Slo(2.4, Double.POSITIVE_INFINITY);
    assertThat(route(roles.withSlo(one), replicas, loads)).isEqualTo(new Route(2, 2));
  }

  @Test
  void whereAnAnswerIsComputedIsChosenSoThatItsFirstTokenIsInTime() {
    TwoSpeeds replicas = replicas(0.002, MIXED, 50, MIXED, 1000);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    ServingPolicy policy = SPILL.withSlo(new Slo(10, Double.POSITIVE_INFINITY));
    Router router = Router.of(policy, replicas);
    Router.Bound early = new Router.Bound(new Route(0, 0), 500, 100, true, 0, 2);
    assertThat(router.bind(early, r -> true, loads)).as("a second to hand off").isEqualTo(1);
    Router.Bound late = new Router.Bound(new Route(0, 0), 500, 100, true, 0, 0.5);
    assertThat(router.bind(late, r -> true, loads)).isEqualTo(0);
  }

  @Test
  void whoIsLateDoesNotMakeOthersLate() {
    TwoSpeeds replicas = replicas(0.001, MIXED, 1000, MIXED, 100);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    loads.prefill(0, 4, 4000);
    Slo slo = new Slo(1, Double.POSITIVE_INFINITY);
    assertThat(route(ServingPolicy.ROLES.withSlo(slo), replicas, loads).prefill()).isOne();
    loads.late(0, 4);
    assertThat(route(ServingPolicy.ROLES.withSlo(slo), replicas, loads).prefill()).isZero();
    loads.prefill(0, 400, 400_000);
    loads.late(0, 404);
    assertThat(route(ServingPolicy.ROLES.withSlo(slo), replicas, loads).prefill())
        .as("nor does it wait for them")
        .isZero();
  }

  @Test
  void whoWouldWaitForMemoryIsLateUnlessThoseThatHaveItPromisedGiveWay() {
    TwoSpeeds replicas = replicas(0.001, MIXED, 1000, MIXED, 1000);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    loads.bound(0, 40, 500, 600); // of which 16 fit
    loads.bound(1, 400, 1, 1); // there is memory, but a token takes 0.4 s
    ServingPolicy soon = ServingPolicy.ROLES.withSlo(new Slo(1, Double.POSITIVE_INFINITY));
    assertThat(route(ServingPolicy.ROLES, replicas, loads)).isEqualTo(new Route(0, 0));
    assertThat(route(soon, replicas, loads)).isEqualTo(new Route(1, 1));
    DispatchedSession waiting = new DispatchedSession(1, 1, 0, 500, 100, false);
    waiting.route = new Route(0, 0);
    waiting.promised = 600;
    for (int i = 0; i < 24; i++) {
      loads.waits(waiting, 1);
    }
    loads.late(0, 0);
    assertThat(route(soon, replicas, loads)).isEqualTo(new Route(0, 0));
  }

  @Test
  void whoIsLateEverywhereLeavesReplicasThatKeepTheTpotToOthers() {
    TwoSpeeds replicas = replicas(0.001, MIXED, 1000, MIXED, 400);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    Slo slo = new Slo(0.1, 0.002); // half a second for the prompt, 1 ms a token there, 2.5 ms here
    assertThat(route(ServingPolicy.ROLES.withSlo(slo), replicas, loads)).isEqualTo(new Route(1, 1));
    Slo both = new Slo(0.1, 0.003);
    assertThat(route(ServingPolicy.ROLES.withSlo(both), replicas, loads))
        .isEqualTo(new Route(0, 0));
  }

  @Test
  void theShortestQueueDoesNotAskForSpeed() {
    TwoSpeeds replicas = replicas(0.001, MIXED, 1000, MIXED, 10);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    loads.prefill(0, 0.1, 100);
    assertThat(route(POOLS, replicas, loads)).isEqualTo(new Route(1, 1));
  }

  @Test
  void decodeStaysInPlaceWhereMovingTakesLongerThanItSaves() {
    ReplicaLoads loads = new ReplicaLoads(replicas(0.001, PREFILL, 500, DECODE, 1000));
    TwoSpeeds quick = replicas(0.0001, PREFILL, 500, DECODE, 1000);
    TwoSpeeds slow = replicas(0.1, PREFILL, 500, DECODE, 1000);
    assertThat(route(IN_PLACE, quick, loads)).isEqualTo(new Route(0, 1));
    assertThat(route(IN_PLACE, slow, loads)).isEqualTo(new Route(0, 0));
    assertThat(route(ServingPolicy.ROLES, slow, loads)).isEqualTo(new Route(0, 1));
  }

  @Test
  void workSpillsToAnotherRoleWithAMarginAndWithoutOneWhereItHasSpilled() {
    // All on the PREFILL replica: 1.5 × 3.6 s owed, 0.5 s prompt, 0.1 s answer, 0.1 s stalls by
    // what is
    // owed. All on the DECODE replica: 5 s and 1 s.
    TwoSpeeds replicas = replicas(1, PREFILL, 1000, DECODE, 100);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    loads.prefill(0, 3.6, 3600);
    assertThat(route(SPILL, replicas, loads).prefill()).isEqualTo(0);
    loads.foreign(1, 1);
    assertThat(route(SPILL, replicas, loads).prefill()).isEqualTo(1);
    loads.foreign(1, -1);
    loads.prefill(0, 20, 20_000);
    assertThat(route(SPILL, replicas, loads).prefill()).isEqualTo(1);
    assertThat(route(ServingPolicy.ROLES, replicas, loads).prefill()).isEqualTo(0);
  }

  @Test
  void promptsAvoidReplicasWhereManyWouldBeStalled() {
    TwoSpeeds replicas = replicas(1, MIXED, 100, MIXED, 100);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    loads.decoding(0, 5);
    assertThat(route(ServingPolicy.ROLES, replicas, loads).prefill()).isEqualTo(1);
  }

  @Test
  void handoffsThatAreOwedOnAChannelCount() {
    TwoSpeeds replicas = replicas(0.001, PREFILL, 1000, DECODE, 1000, MIXED, 300);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    assertThat(route(ServingPolicy.ROLES, replicas, loads)).isEqualTo(new Route(0, 1));
    loads.handoff(0, 1, 60_000, 1);
    assertThat(route(ServingPolicy.ROLES, replicas, loads)).isEqualTo(new Route(2, 2));
    loads.handoff(0, 1, 60_000, -1);
    assertThat(route(ServingPolicy.ROLES, replicas, loads)).isEqualTo(new Route(0, 1));
  }

  @Test
  void aFullPoolOverflowsIntoTheMixedPoolAndThenIntoTheOther() {
    TwoSpeeds replicas = replicas(0.001, PREFILL, 100, MIXED, 100, DECODE, 100);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    assertThat(route(POOLS, replicas, loads)).isEqualTo(new Route(0, 2));
    loads.prefill(0, 1, ShortestQueue.PROMPT_OVERFLOW + 1);
    assertThat(route(POOLS, replicas, loads)).isEqualTo(new Route(1, 1));
    loads.prefill(1, 1, ShortestQueue.PROMPT_OVERFLOW + 1);
    assertThat(route(POOLS, replicas, loads)).isEqualTo(new Route(2, 2));
    loads.prefill(2, 1, ShortestQueue.PROMPT_OVERFLOW + 1);
    assertThat(route(POOLS, replicas, loads)).isEqualTo(new Route(0, 2));
  }

  @Test
  void answersOverflowWhereMemoryIsReserved() {
    TwoSpeeds replicas = replicas(0.001, PREFILL, 100, DECODE, 100, MIXED, 100);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    loads.bound(1, 1, 9000, 9800);
    assertThat(route(POOLS, replicas, loads)).isEqualTo(new Route(0, 2));
  }

  @Test
  void replicasThatAreGoneOrTooSmallAreNotTaken() {
    TwoSpeeds replicas = replicas(0.001, PREFILL, 100, DECODE, 100);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    loads.up(1, false);
    for (ServingPolicy policy : new ServingPolicy[] {ServingPolicy.ROLES, POOLS, SPILL}) {
      assertThat(route(policy, replicas, loads)).isEqualTo(new Route(0, 0));
      assertThat(Router.of(policy, replicas).route(9000, 2000, loads)).isNull();
    }
  }

  @Test
  void aFullReplicaIsWaitedForWhereTheOthersAreWorse() {
    TwoSpeeds replicas = replicas(0.001, PREFILL, 1000, DECODE, 1000, DECODE, 10);
    ReplicaLoads loads = new ReplicaLoads(replicas);
    Router router = Router.of(ServingPolicy.ROLES, replicas);
    Router.Bound bound =
        new Router.Bound(new Route(0, 1), 500, 100, false, 0, Double.POSITIVE_INFINITY);
    assertThat(router.bind(bound, r -> true, loads)).isEqualTo(1);
    assertThat(router.bind(bound, r -> r == 2, loads)).isEqualTo(-1);
  }
}

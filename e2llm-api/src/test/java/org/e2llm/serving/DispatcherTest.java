package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.e2llm.pipeline.Role.DECODE;
import static org.e2llm.pipeline.Role.MIXED;
import static org.e2llm.pipeline.Role.PREFILL;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.e2llm.CapacityException;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.serving.Dispatcher.Start;
import org.e2llm.serving.Router.Route;
import org.junit.jupiter.api.Test;

class DispatcherTest {
  private static final Role[] PAIR = {PREFILL, DECODE};

  private static Dispatcher pair(int kvTokens) {
    return new Dispatcher(
        ServingPolicy.ROLES, new TwoSpeeds(PAIR, new double[] {100, 100}, kvTokens, 0.001));
  }

  @Test
  void aRequestLivesThroughBothReplicas() {
    Dispatcher dispatcher = pair(1000);
    assertThat(dispatcher.arrive(7, 100, 50, 0)).isZero();
    assertThat(dispatcher.waiting(0)).isOne();
    assertThat(dispatcher.start(0, 0)).isEqualTo(new Start(7, new Route(0, 1)));
    assertThat(reserved(dispatcher)).containsExactly(100L, 128L);
    dispatcher.fed(7, 60);
    assertThat(dispatcher.loads().promptTokens(0)).isEqualTo(40);
    dispatcher.fed(7, 40);
    assertThat(dispatcher.prefilled(7, 0.5)).isEqualTo(1);
    assertThat(dispatcher.loads().channelSeconds(0, 1)).isPositive();
    dispatcher.handedOff(7);
    assertThat(reserved(dispatcher)).containsExactly(0L, 128L);
    assertThat(dispatcher.loads().decoding(1)).isOne();
    dispatcher.finished(7, 50);
    assertIdle(dispatcher, 2);
    assertThat(dispatcher.loads().meanOutput()).isBetween(97.0, 98.0);
  }

  @Test
  void nothingIsHeldWhileThereIsNoRoomAtBothEnds() {
    Dispatcher dispatcher = pair(1000);
    dispatcher.arrive(1, 100, 700, 0);
    assertThat(dispatcher.start(0, 0)).isNotNull();
    dispatcher.arrive(2, 100, 700, 0);
    assertThat(dispatcher.start(0, 0)).isNull();
    assertThat(dispatcher.isBlocked(0)).isTrue();
    assertThat(reserved(dispatcher)).containsExactly(100L, 128L);
    dispatcher.finished(1, 1);
    assertThat(dispatcher.start(0, 0)).isEqualTo(new Start(2, new Route(0, 1)));
    assertThat(dispatcher.isBlocked(0)).isFalse();
  }

  @Test
  void memoryThatAnOlderOneWaitsForIsNotGivenToAYounger() {
    Role[] roles = {PREFILL, PREFILL, DECODE};
    Dispatcher dispatcher =
        new Dispatcher(
            ServingPolicy.ROLES, new TwoSpeeds(roles, new double[] {9, 9, 9}, 1000, 0.001));
    assertThat(dispatcher.arrive(1, 100, 600, 0)).isZero();
    assertThat(dispatcher.start(0, 0)).isNotNull();
    int large = dispatcher.arrive(2, 200, 700, 0);
    assertThat(large).isEqualTo(1);
    assertThat(dispatcher.start(1, 0)).isNull();
    assertThat(dispatcher.arrive(3, 10, 50, 0)).isZero();
    assertThat(dispatcher.start(0, 0)).as("there is room, but it is the other's turn").isNull();
    dispatcher.finished(1, 1);
    assertThat(dispatcher.start(1, 0)).isNotNull();
    assertThat(dispatcher.start(0, 0)).isNotNull();
  }

  @Test
  void aShortPromptOvertakesALongOneThatJustCameAndNotOneThatWaited() {
    Dispatcher dispatcher = pair(100_000);
    dispatcher.arrive(1, 1000, 10, 0);
    dispatcher.arrive(2, 50, 10, 0);
    for (int i = 3; i < 60; i++) {
      dispatcher.arrive(i, 100, 10, 0);
    }
    List<Long> order = new ArrayList<>();
    for (Start start = dispatcher.start(0, 0); start != null; start = dispatcher.start(0, 0)) {
      order.add(start.session());
    }
    assertThat(order.get(0)).isEqualTo(2L);
    assertThat(order.indexOf(1L)).isBetween(30, 45);
  }

  private static Dispatcher inView(Slo slo) {
    return new Dispatcher(
        ServingPolicy.ROLES.withSlo(slo),
        new TwoSpeeds(PAIR, new double[] {100, 100}, 100_000, 0.001));
  }

  @Test
  void whoCanBeInTimeGoesBeforeWhoCannotAndNobodyWaitsForEver() {
    int limit = 2 * WaitingLine.LATE_SHARE; // prompts take a second each
    Dispatcher dispatcher = inView(new Slo(limit, Double.POSITIVE_INFINITY));
    dispatcher.arrive(1, 100, 10, 0);
    long before = WaitingLine.LATE_SHARE - 1;
    for (int i = 2; i < 2 * before; i++) {
      dispatcher.arrive(i, 100, 10, limit - 0.5);
    }
    List<Long> order = new ArrayList<>();
    for (int i = 0; i < before + 3; i++) {
      order.add(Objects.requireNonNull(dispatcher.start(0, limit - 0.4)).session());
    }
    assertThat(order).startsWith(2L, 3L, 4L).endsWith(before + 1, 1L, before + 2, before + 3);
  }

  @Test
  void whoBeginsLateLetsOthersGoFirst() {
    Dispatcher dispatcher = inView(new Slo(10, Double.POSITIVE_INFINITY));
    dispatcher.arrive(1, 500, 10, 0);
    dispatcher.arrive(2, 500, 10, 0);
    assertThat(dispatcher.start(0, 11, true)).as("both are late").isNull();
    assertThat(dispatcher.start(0, 11)).isEqualTo(new Start(1, new Route(0, 1), true));
    dispatcher.arrive(3, 100, 10, 11);
    assertThat(dispatcher.start(0, 11, true)).isEqualTo(new Start(3, new Route(0, 1), false));
    assertThat(dispatcher.start(0, 11, true)).isNull();
  }

  @Test
  void whoIsLateLeavesAPlaceForThoseWhoAreStillToCome() {
    Dispatcher dispatcher = fourOfWhomThreeHaveRoom(5); // 20 s and more for an answer
    assertThat(dispatcher.start(0, 30)).isNotNull();
    assertThat(dispatcher.start(0, 30)).as("one place is left then").isNotNull();
    assertThat(dispatcher.start(0, 30)).as("somebody may come soon").isNull();
    dispatcher.arrive(5, 100, 200, 31);
    assertThat(Objects.requireNonNull(dispatcher.start(0, 31)).session()).isEqualTo(5);
    dispatcher.finished(5, 1);
    assertThat(dispatcher.start(0, 32)).isNull();
    assertThat(dispatcher.start(0, 1000)).as("nobody came for long").isNotNull();
  }

  @Test
  void whoIsLateTakesTheLastPlaceIfItGivesItBackBeforeTheNextOneIsLate() {
    Dispatcher dispatcher = fourOfWhomThreeHaveRoom(100); // a second for an answer
    for (int i = 0; i < 3; i++) {
      assertThat(dispatcher.start(0, 30)).isNotNull();
    }
    assertThat(dispatcher.start(0, 30)).as("there is no room").isNull();
  }

  /** All of them late at 30. */
  private static Dispatcher fourOfWhomThreeHaveRoom(double decodeSpeed) {
    Dispatcher dispatcher =
        new Dispatcher(
            ServingPolicy.ROLES.withSlo(new Slo(10, Double.POSITIVE_INFINITY)),
            new TwoSpeeds(PAIR, new double[] {100, decodeSpeed}, 1000, 0.001));
    for (int i = 1; i <= 4; i++) {
      dispatcher.arrive(i, 100, 200, 3 * i);
    }
    return dispatcher;
  }

  @Test
  void whoWillHaveEndedByThenTakesNoPlaceAmongThoseThatDecode() {
    Dispatcher dispatcher = inView(new Slo(Double.POSITIVE_INFINITY, 0.025)); // two at 1/100 s
    for (int i = 1; i <= 2; i++) {
      dispatcher.arrive(i, 100, 10, 0);
      assertThat(dispatcher.start(0, 0)).isNotNull();
    }
    dispatcher.arrive(3, 10_000, 10, 0);
    dispatcher.arrive(4, 100, 10, 0);
    assertThat(dispatcher.start(0, 0)).isNull();
    for (int i = 1; i <= 2; i++) {
      dispatcher.fed(i, 100);
      dispatcher.prefilled(i, 1);
      dispatcher.handedOff(i);
    }
    assertThat(dispatcher.start(0, 0)).as("a second, and answers take longer").isNull();
    dispatcher.lose(4);
    assertThat(dispatcher.start(0, 0)).as("its prompt takes 100 s").isNotNull();
  }

  @Test
  void theLongestWaitsWhereOtherwiseMoreWouldBeLate() {
    Dispatcher dispatcher = inView(new Slo(10, Double.POSITIVE_INFINITY));
    dispatcher.arrive(1, 800, 10, 0); // 8 s
    for (int i = 2; i <= 4; i++) {
      dispatcher.arrive(i, 100, 10, 0.5);
    }
    List<Long> order = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      order.add(Objects.requireNonNull(dispatcher.start(0, 0.5)).session());
    }
    assertThat(order).containsExactly(2L, 3L, 4L, 1L);
  }

  /** With ten seconds to the first token in view. */
  private static Dispatcher twoThatDoBoth() {
    return new Dispatcher(
        ServingPolicy.ROLES.withSlo(new Slo(10, Double.POSITIVE_INFINITY)),
        new TwoSpeeds(new Role[] {MIXED, MIXED}, new double[] {100, 100}, 100_000, 0.001));
  }

  @Test
  void whoWouldBeLateIsTakenOverByWhomItIsInTimeAt() {
    Dispatcher dispatcher = twoThatDoBoth();
    assertThat(dispatcher.arrive(1, 400, 10, 0)).isZero();
    assertThat(dispatcher.arrive(2, 500, 10, 0)).isEqualTo(1);
    assertThat(dispatcher.start(0, 0)).isEqualTo(new Start(1, new Route(0, 0)));
    assertThat(dispatcher.start(1, 0)).isEqualTo(new Start(2, new Route(1, 1)));
    assertThat(dispatcher.arrive(3, 300, 10, 0)).isZero();
    dispatcher.fed(2, 500);
    assertThat(dispatcher.start(1, 2)).as("in time where it is").isNull();
    assertThat(dispatcher.start(1, 6)).isEqualTo(new Start(3, new Route(1, 1)));
    assertThat(dispatcher.waiting(0)).isZero();
    for (int i = 1; i <= 3; i++) {
      dispatcher.finished(i, 1);
    }
    assertIdle(dispatcher, 2);
  }

  @Test
  void whoIsLateInAnyCaseIsTakenOverWhereNobodyWaitsIfThatIsSooner() {
    Dispatcher dispatcher = twoThatDoBoth();
    assertThat(dispatcher.arrive(1, 400, 10, 0)).isZero();
    assertThat(dispatcher.start(0, 0)).isNotNull();
    assertThat(dispatcher.arrive(2, 400, 10, 0)).isEqualTo(1);
    assertThat(dispatcher.start(1, 0)).isNotNull();
    assertThat(dispatcher.arrive(3, 2000, 10, 0)).isZero();
    assertThat(dispatcher.start(1, 1)).as("it would not end sooner here").isNull();
    dispatcher.fed(2, 400);
    assertThat(dispatcher.arrive(4, 2000, 10, 2)).isEqualTo(1);
    assertThat(dispatcher.start(1, 2)).as("its own").isEqualTo(new Start(4, new Route(1, 1), true));
    dispatcher.finished(4, 1);
    assertThat(dispatcher.start(1, 3)).isEqualTo(new Start(3, new Route(1, 1), true));
    assertThat(dispatcher.waiting(0)).isZero();
    for (int i = 1; i <= 3; i++) {
      dispatcher.finished(i, 1);
    }
    assertIdle(dispatcher, 2);
  }

  @Test
  void whereNobodyGetsTokensInTimeAsManyDecodeTogetherAsFit() {
    Dispatcher dispatcher = inView(new Slo(Double.POSITIVE_INFINITY, 0.005)); // 1/100 s alone
    for (int i = 1; i <= 9; i++) {
      dispatcher.arrive(i, 100, 10, 0);
      assertThat(dispatcher.start(0, 0)).isNotNull();
    }
  }

  @Test
  void noMoreDecodeTogetherThanGetTheirTokensInTime() {
    Dispatcher dispatcher = inView(new Slo(Double.POSITIVE_INFINITY, 0.025)); // 2 × 1/100 s
    for (int i = 1; i <= 3; i++) {
      dispatcher.arrive(i, 100, 10, 0);
    }
    assertThat(dispatcher.start(0, 0)).isNotNull();
    assertThat(dispatcher.start(0, 0)).isNotNull();
    assertThat(dispatcher.start(0, 0)).isNull();
    assertThat(dispatcher.isBlocked(0)).isTrue();
    dispatcher.finished(1, 1);
    assertThat(dispatcher.start(0, 0)).isNotNull();
  }

  @Test
  void whatFitsNowhereIsRefusedWithTheSizeThatWouldFit() {
    Dispatcher dispatcher = pair(1000);
    assertThatThrownBy(() -> dispatcher.arrive(1, 900, 200, 0))
        .isInstanceOf(CapacityException.class)
        .hasMessageContainingAll("1100", "1000");
    assertThat(dispatcher.arrive(1, 900, 100, 0)).as("the id is free again").isZero();
  }

  @Test
  void requestsWaitForAReplicaToReturn() {
    Dispatcher dispatcher = pair(1000);
    dispatcher.arrive(1, 10, 10, 0);
    assertThat(dispatcher.start(0, 0)).isNotNull();
    dispatcher.arrive(2, 10, 10, 0);
    assertThat(dispatcher.down(1)).containsExactly(1L);
    long age = dispatcher.lose(1);
    assertThat(dispatcher.comeBack(1, age, 10, 10)).isZero();
    assertThat(Objects.requireNonNull(dispatcher.start(0, 0)).session())
        .as("who had begun goes first")
        .isEqualTo(1);
    assertThat(dispatcher.down(0)).containsExactly(1L);
    age = dispatcher.lose(1);
    assertThat(dispatcher.comeBack(1, age, 10, 10)).isEqualTo(-1);
    assertThat(dispatcher.parked()).isEqualTo(2);
    assertThat(dispatcher.up(1)).containsExactly(1, 1);
    assertThat(dispatcher.parked()).isZero();
  }

  /** Random life of many requests: memory is kept, everybody ends, nothing is left over. */
  @Property(tries = 200)
  void everybodyGetsTheirTurnAndGivesEverythingBack(@ForAll long seed) {
    Random random = new Random(seed);
    int n = 1 + random.nextInt(4);
    Role[] roles = new Role[n];
    double[] speeds = new double[n];
    for (int r = 0; r < n; r++) {
      roles[r] = r == 0 ? MIXED : Role.values()[random.nextInt(3)];
      speeds[r] = 10 * (1 + random.nextInt(20));
    }
    ServingPolicy policy =
        new ServingPolicy(
            ServingPolicy.RouterKind.values()[random.nextInt(2)],
            random.nextBoolean(),
            random.nextBoolean(),
            random.nextBoolean(),
            random.nextBoolean(),
            512,
            random.nextBoolean() ? Slo.NONE : new Slo(5 + random.nextInt(60), random.nextDouble()));
    Dispatcher dispatcher =
        new Dispatcher(policy, new TwoSpeeds(roles, speeds, 1000, random.nextDouble() / 100));
    List<Long> begun = new ArrayList<>();
    int asked = 0;
    int ended = 0;
    for (int round = 0; ended < 60; round++) {
      assertThat(round).as("somebody waits for ever").isLessThan(20_000);
      if (asked < 60 && random.nextBoolean()) {
        dispatcher.arrive(asked++, 1 + random.nextInt(400), 1 + random.nextInt(600), round);
      }
      for (int r = 0; r < n; r++) {
        Start start = dispatcher.start(r, round);
        if (start != null) {
          assertThat(start.route().prefill()).isEqualTo(r);
          begun.add(start.session());
        }
        assertThat(dispatcher.admission(r).reservedBytes()).isLessThanOrEqualTo(1000);
      }
      if (!begun.isEmpty() && random.nextInt(3) == 0) {
        long session = begun.remove(random.nextInt(begun.size()));
        if (random.nextBoolean()) {
          dispatcher.prefilled(session, random.nextDouble());
        }
        dispatcher.finished(session, 1);
        ended++;
      }
    }
    assertIdle(dispatcher, n);
  }

  private static List<Long> reserved(Dispatcher dispatcher) {
    return List.of(
        dispatcher.admission(0).reservedBytes(), dispatcher.admission(1).reservedBytes());
  }

  private static void assertIdle(Dispatcher dispatcher, int replicas) {
    ReplicaLoads loads = dispatcher.loads();
    for (int r = 0; r < replicas; r++) {
      assertThat(dispatcher.admission(r).reservedBytes()).isZero();
      assertThat(dispatcher.waiting(r)).isZero();
      assertThat(loads.promptTokens(r)).isZero();
      assertThat(loads.prefillSeconds(r)).isZero();
      assertThat(loads.bound(r)).isZero();
      assertThat(loads.decoding(r)).isZero();
      assertThat(loads.boundTokens(r)).isZero();
      assertThat(loads.promisedTokens(r)).isZero();
      assertThat(loads.foreign(r)).isZero();
    }
    assertThat(loads.channelSeconds(0, replicas - 1)).isLessThan(1e-9);
  }

  @Test
  void thoseThatRanTogetherElsewhereDoSoAgain() {
    Role[] one = {MIXED};
    ReplicaEstimates estimates = new TwoSpeeds(one, new double[] {9}, 1000, 0.001);
    Dispatcher fresh = new Dispatcher(ServingPolicy.ROLES, estimates);
    fresh.arrive(1, 100, 600, 0);
    fresh.arrive(2, 100, 600, 0);
    assertThat(fresh.start(0, 0)).isNotNull();
    assertThat(fresh.start(0, 0)).as("it may need more than there is").isNull();
    Dispatcher again = new Dispatcher(ServingPolicy.ROLES, estimates);
    again.comeBack(1, again.nextAge(), 100, 600);
    again.comeBack(2, again.nextAge(), 100, 600);
    assertThat(again.start(0, 0)).isNotNull();
    assertThat(again.start(0, 0)).isNotNull();
  }

  @Test
  void whoDecodesIsGivenMemoryAsItGrowsAndPausesWhereThereIsNone() {
    Dispatcher dispatcher =
        new Dispatcher(
            ServingPolicy.ROLES, new TwoSpeeds(new Role[] {MIXED}, new double[] {9}, 340, 0.001));
    BatchScheduler scheduler = new BatchScheduler(512);
    for (int i = 0; i < 8; i++) { // answers are short, as far as can be told
      dispatcher.arrive(100 + i, 10, 20, 0);
      assertThat(dispatcher.start(0, 0)).isNotNull();
      dispatcher.finished(100 + i, 20);
    }
    for (int session = 1; session <= 3; session++) {
      dispatcher.arrive(session, 10, 200, 0);
      assertThat(dispatcher.start(0, 0)).as("session " + session).isNotNull();
      scheduler.add(session, 0, 10, 209);
      dispatcher.scheduled(session, scheduler);
    }
    assertThat(dispatcher.admission(0).reservedBytes()).isEqualTo(3 * 64);
    int batches = 0;
    long finished = 0;
    for (; finished < 3; batches++) {
      BatchScheduler.Decision batch = scheduler.decide();
      assertThat(batch.size()).as("somebody goes on").isPositive();
      scheduler.advance(batch);
      for (int i = 0; i < batch.decodeRows(); i++) {
        assertThat(batch.position(i))
            .isLessThanOrEqualTo(dispatcher.admission(0).held(batch.session(i)));
        if (batch.position(i) == 209) {
          scheduler.remove(batch.session(i));
          dispatcher.finished(batch.session(i), 200);
          assertThat(batch.session(i)).as("the oldest ends first").isEqualTo(++finished);
          dispatcher.goOn(0, scheduler);
        }
      }
      dispatcher.landed(batch, scheduler);
      assertThat(dispatcher.admission(0).reservedBytes()).isLessThanOrEqualTo(340);
    }
    assertThat(batches).as("some were of fewer than all").isGreaterThan(210).isLessThan(500);
    assertIdle(dispatcher, 1);
  }
}

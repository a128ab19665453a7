package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.StagePlan;
import org.e2llm.testing.FakeStage;
import org.junit.jupiter.api.Test;

/** What a device keeps of rings that broke, and for whom. */
class KeptStagesTest {
  private final AtomicLong clock = new AtomicLong();
  private boolean gone;
  private final KeptStages kept = new KeptStages(clock::get, peer -> !gone);
  private final JournalMemory memory = new JournalMemory();

  private static final KeptSession.Whose WHOSE = new KeptSession.Whose("app", 5);

  private FakeStage leave(int from, int to) {
    memory.limit(1 << 20);
    FakeStage stage = new FakeStage(LayerRange.of(from, to), 9, 16, batch -> {});
    Journal journal = new Journal(1, memory);
    journal.add(0, new float[] {1, 2}, 0, 2);
    KeptSession session = new KeptSession(stage.open(1, 0, 50), 50, journal, kept.until("app"));
    Map<KeptSession.Whose, KeptSession> sessions = new LinkedHashMap<>(Map.of(WHOSE, session));
    kept.add(new KeptStages.Left(stage.layers(), stage, sessions));
    return stage;
  }

  private static Ring ring(StagePlan... stages) {
    return new Ring(1, PlanOrder.NONE, List.of(stages), HiddenType.F32);
  }

  private static StagePlan on(String device, int from, int to) {
    return new StagePlan(device, LayerRange.of(from, to));
  }

  @Test
  void theSameLayersGoOnWithTheSameStage() {
    FakeStage stage = leave(2, 4);
    KeptStages.Left left = kept.take(ring(on("a", 0, 2), on("b", 2, 4)), "b", LayerRange.of(2, 4));
    assertThat(left.stage()).isSameAs(stage);
    assertThat(left.sessions()).containsOnlyKeys(WHOSE);
    assertThat(kept.size()).isZero();
  }

  @Test
  void layersThatBeginAtTheSameOneGoOnWithTheJournals() {
    FakeStage stage = leave(2, 4);
    KeptStages.Left left = kept.take(ring(on("a", 0, 2), on("b", 2, 6)), "b", LayerRange.of(2, 6));
    assertThat(stage.isClosed()).isTrue();
    assertThat(left.stage()).isNull();
    assertThat(left.sessions().get(WHOSE).kv()).isNull();
    assertThat(left.sessions().get(WHOSE).journal().length()).isEqualTo(2);
  }

  @Test
  void otherLayersAreFreedAtOnce() {
    FakeStage stage = leave(2, 4);
    assertThat(kept.take(ring(on("a", 0, 3), on("b", 3, 6)), "b", LayerRange.of(3, 6))).isNull();
    assertThat(stage.isClosed()).isTrue();
    assertThat(memory.used()).isZero();
  }

  /** A host may have both ends. */
  @Test
  void theOtherStageOfTheDeviceIsLeftForItself() {
    FakeStage first = leave(0, 2);
    FakeStage last = leave(4, 6);
    Ring ring = ring(on("a", 0, 2), on("b", 2, 4), on("a", 4, 6));
    assertThat(kept.take(ring, "a", LayerRange.of(0, 2)).stage()).isSameAs(first);
    assertThat(kept.take(ring, "a", LayerRange.of(4, 6)).stage()).isSameAs(last);
  }

  @Test
  void whatNobodyTakesIsFreed() {
    FakeStage stage = leave(2, 4);
    clock.addAndGet(TimeUnit.SECONDS.toNanos(KeptStages.SECONDS) - 1);
    kept.tick();
    assertThat(stage.openSessions()).isEqualTo(1);
    clock.addAndGet(1);
    kept.tick();
    assertThat(stage.isClosed()).isTrue();
    assertThat(memory.used()).isZero();
    assertThat(kept.size()).isZero();
  }

  @Test
  void whoIsLostIsNotWaitedForLongerBecauseItsRingBrokeLater() {
    gone = true;
    kept.lost("app");
    clock.addAndGet(TimeUnit.SECONDS.toNanos(KeptStages.SECONDS) - 1);
    FakeStage stage = leave(2, 4);
    clock.addAndGet(1);
    kept.tick();
    assertThat(stage.isClosed()).isTrue();
  }

  @Test
  void whoIsBackIsWaitedForAsAnybody() {
    kept.lost("app");
    clock.addAndGet(TimeUnit.SECONDS.toNanos(KeptStages.SECONDS) - 1);
    FakeStage stage = leave(2, 4);
    clock.addAndGet(1);
    kept.tick();
    assertThat(stage.openSessions()).isEqualTo(1);
  }

  @Test
  void afterItsEndNothingIsKept() {
    FakeStage before = leave(0, 2);
    kept.close();
    FakeStage after = leave(2, 4);
    assertThat(before.isClosed()).isTrue();
    assertThat(after.isClosed()).isTrue();
    assertThat(memory.used()).isZero();
  }
}

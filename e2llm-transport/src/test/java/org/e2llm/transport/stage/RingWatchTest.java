package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.StagePlan;
import org.junit.jupiter.api.Test;

class RingWatchTest {
  private static final long MILLI = 1_000_000L;
  private static final long SECOND = 1000 * MILLI;

  private final RingWatch watch = new RingWatch(0.5, 1, 0);
  private long now;
  private int step;

  /** Looks ten times a second; gives after how long a stage was late, in milliseconds. */
  private long lateAfter(RingWatch looking) {
    long from = now;
    while (!looking.isLate(now)) {
      now += 100 * MILLI;
      assertThat(now - from).as("never late").isLessThan(10_000 * SECOND);
    }
    return (now - from) / MILLI;
  }

  /** A step that takes so long, a fourth of it on this device; nobody is late meanwhile. */
  private void step(int rows, boolean decodes, long millis) {
    watch.began(step++, rows, decodes, now);
    for (long passed = 0; passed < millis; passed += 50) {
      if (passed == millis / 4 / 50 * 50) {
        watch.computedHere(now);
      }
      now += 50 * MILLI;
      assertThat(watch.isLate(now)).isFalse();
    }
    watch.ended(now);
  }

  private void warm() {
    watch.ready(true, now);
    for (int i = 0; i < RingWatch.WARM; i++) {
      step(64, false, 200);
      step(1, true, 100);
    }
  }

  @Test
  void nobodyIsLateWhereNothingIsAwaited() {
    warm();
    for (int i = 0; i < 1000; i++) {
      now += 500 * MILLI;
      assertThat(watch.isLate(now)).isFalse();
    }
    assertThat(watch.awaited()).isEqualTo(-1);
  }

  @Test
  void quickStepsAreLateAfterTheFloor() {
    warm();
    watch.began(step, 1, true, now);
    assertThat(watch.awaited()).isEqualTo(step);
    assertThat(lateAfter(watch)).isEqualTo(5000);
  }

  @Test
  void untilStepsOfItsKindHaveEndedOneMayTakeLong() {
    watch.ready(true, now);
    step(64, false, 20_000);
    step(64, false, 200);
    step(64, false, 200);
    watch.began(step, 1, true, now);
    assertThat(lateAfter(watch)).isEqualTo(60_000);
  }

  @Test
  void slowStepsHaveEightTimesTheirTime() {
    warm();
    step(1, true, 3000);
    watch.began(step, 1, true, now);
    assertThat(lateAfter(watch)).isEqualTo(24_000);
  }

  @Test
  void aLongChunkHasTimeInProportionToShorterOnes() {
    warm();
    step(64, false, 2000);
    watch.began(step, 256, false, now);
    assertThat(lateAfter(watch)).isEqualTo(64_000);
  }

  /** Such as deep in a long context, or on a device that throttles. */
  @Test
  void whatTheFirstStageNeededTellsOfTheOthers() {
    warm();
    watch.began(step, 1, true, now);
    now += 900 * MILLI;
    assertThat(watch.isLate(now)).isFalse();
    watch.computedHere(now);
    // It has half of the layers: 1.8 s for all, 14.4 s are allowed, 0.9 s have gone.
    assertThat(lateAfter(watch)).isEqualTo(13_500);
  }

  @Test
  void timeCountsFromTheEndOfTheStepBefore() {
    warm();
    watch.began(step, 1, true, now);
    watch.began(step + 1, 1, true, now);
    now += 4900 * MILLI;
    assertThat(watch.isLate(now - 4 * SECOND)).isFalse();
    watch.isLate(now - 3200 * MILLI);
    watch.isLate(now - 2400 * MILLI);
    watch.isLate(now - 1600 * MILLI);
    watch.isLate(now - 800 * MILLI);
    watch.ended(now);
    assertThat(watch.awaited()).isEqualTo(step + 1);
    assertThat(lateAfter(watch)).isEqualTo(8 * 4900); // as long as the one before
  }

  @Test
  void aDeviceThatStoodStillItselfBlamesNobody() {
    warm();
    watch.began(step, 1, true, now);
    now += 60 * SECOND;
    assertThat(watch.isLate(now)).isFalse();
    assertThat(lateAfter(watch)).isEqualTo(5000);
  }

  @Test
  void aStepThatFailedHereIsNotWaitedFor() {
    warm();
    watch.began(step, 1, true, now);
    watch.failedHere();
    assertThat(watch.awaited()).isEqualTo(-1);
  }

  @Test
  void everyStageHasItsTimeToBeSetUp() {
    now += 900 * MILLI;
    watch.isLate(now);
    watch.ready(false, now);
    assertThat(lateAfter(watch)).isEqualTo(60_000);
  }

  @Test
  void whoWasLateBeforeIsGivenMoreTimeEachTime() {
    LateDevices late = new LateDevices();
    Ring ring =
        new Ring(
            1,
            PlanOrder.NONE,
            List.of(
                new StagePlan("a", LayerRange.of(0, 1)), new StagePlan("b", LayerRange.of(1, 2))),
            HiddenType.F32);
    assertThat(late.patience(ring, now)).isEqualTo(1);
    late.add("c", now);
    assertThat(late.patience(ring, now)).isEqualTo(1);
    late.add("b", now);
    assertThat(late.patience(ring, now)).isEqualTo(4);
    assertThat(lateAfter(new RingWatch(0.5, late.patience(ring, now), now))).isEqualTo(240_000);
    late.add("b", now);
    late.add("b", now);
    assertThat(late.patience(ring, now)).isEqualTo(16);
    assertThat(late.patience(ring, now + LateDevices.FORGOTTEN)).isEqualTo(1);
  }
}

package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.e2llm.CapacityException;
import org.junit.jupiter.api.Test;

class AdmissionTest {
  @Test
  void whatCanNeverFitIsRefusedWithTheNumberThatWould() {
    Admission admission = new Admission(1005, 10, 200);
    assertThatThrownBy(() -> admission.requirePossible(101))
        .isInstanceOf(CapacityException.class)
        .hasMessageContaining("101 tokens")
        .hasMessageContaining("1005 bytes holds 100 tokens");
    assertThatThrownBy(() -> admission.claim(1, 101)).isInstanceOf(CapacityException.class);
    assertThatCode(() -> admission.claim(1, 100)).doesNotThrowAnyException();
    assertThatThrownBy(() -> new Admission(1L << 40, 10, 200).requirePossible(201))
        .isInstanceOf(CapacityException.class)
        .hasMessageContaining("context of 200");
    assertThat(admission.largestSession()).isEqualTo(100);
  }

  @Test
  void idleSessionsCountUntilSomebodyNeedsTheirRoom() {
    Admission admission = new Admission(100, 1, 100);
    for (long session = 1; session <= 3; session++) {
      admission.claim(session, 30);
      admission.idle(session, 20);
    }
    assertThat(admission.reservedBytes()).isEqualTo(60);
    assertThat(admission.takeEvicted()).isEmpty();
    admission.claim(4, 70);
    assertThat(admission.takeEvicted()).as("the one unused longest first").containsExactly(1L, 2L);
    assertThat(admission.takeEvicted()).as("each is told once").isEmpty();
    assertThat(admission.reservedBytes()).isEqualTo(90);
    assertThat(admission.active()).isEqualTo(2);
  }

  @Test
  void aSessionNeverEvictsItselfAndReusesWhatItHolds() {
    Admission admission = new Admission(100, 1, 100);
    admission.claim(1, 60);
    admission.idle(1, 60);
    assertThat(admission.hasRoom(100)).isTrue();
    admission.claim(1, 100);
    assertThat(admission.takeEvicted()).isEmpty();
    assertThat(admission.reservedBytes()).isEqualTo(100);
    admission.release(1);
    assertThat(admission.reservedBytes()).isZero();
  }

  @Test
  void aClaimIsAtOnceOrNever() {
    Admission admission = new Admission(100, 1, 100);
    admission.claim(1, 40);
    assertThatThrownBy(() -> admission.claim(2, 61))
        .isInstanceOf(CapacityException.class)
        .hasMessageContaining("60 of 100 bytes are free now");
    admission.claim(2, 60);
    assertThat(admission.takeEvicted()).isEmpty();
    assertThat(admission.reservedBytes()).isEqualTo(100);
  }

  @Test
  void sessionsBeginByWhatTheyWillLikelyNeed() {
    Admission admission = new Admission(100, 1, 100);
    admission.claim(1, new Need(10, 30, 80, true));
    assertThat(admission.reservedBytes()).isEqualTo(10);
    admission.claim(2, new Need(10, 30, 80, true));
    assertThat(admission.hasRoom(new Need(10, 41, 80, true))).as("likely too much").isFalse();
    assertThat(admission.hasRoom(new Need(10, 40, 100, true))).isTrue();
    assertThat(admission.hasRoom(new Need(11, 40, 80, true)))
        .as("the oldest may need 70 more of the 80 that are free")
        .isFalse();
    assertThat(admission.hasRoom(Need.fixed(10))).isTrue();
    assertThat(admission.hasRoom(Need.fixed(11))).isFalse();
  }

  @Test
  void youngerOnesPauseBeforeOlderOnes() {
    Admission admission = new Admission(100, 1, 100);
    admission.claim(1, new Need(10, 30, 80, true));
    admission.claim(2, new Need(10, 30, 80, true));
    assertThat(admission.grow(2, 30)).as("10 more, the rest is for the oldest").isEqualTo(20);
    assertThat(admission.hasRoom(1)).as("nobody begins meanwhile").isFalse();
    assertThat(admission.grow(1, 100)).as("no more than it may need").isEqualTo(80);
    assertThat(admission.growShorts()).isEmpty();
    admission.idle(1, 70);
    assertThat(admission.growShorts()).containsExactly(2L);
    assertThat(admission.held(2)).isEqualTo(30);
    assertThat(admission.takeEvicted()).isEmpty();
    assertThat(admission.hasRoom(1)).as("nobody pauses any more").isTrue();
    assertThat(admission.grow(2, 40)).isEqualTo(40);
    assertThat(admission.takeEvicted()).as("who is idle gives way").containsExactly(1L);
  }

  @Test
  void nobodyCountsOnMemoryOfThoseThatDoNotEndByThemselves() {
    Admission admission = new Admission(100, 1, 100);
    admission.claim(1, 40);
    assertThat(admission.hasRoom(new Need(10, 20, 61, true))).isFalse();
    admission.claim(2, new Need(10, 20, 60, true));
    assertThatThrownBy(() -> admission.claim(3, 1)).isInstanceOf(CapacityException.class);
    assertThat(admission.canStay(1, new Need(41, 50, 100, true))).isFalse();
    assertThat(admission.canStay(1, new Need(40, 50, 100, true))).isTrue();
  }

  /** Sessions begin, grow as far as they like up to their most, and end, in any order. */
  @Property(tries = 300)
  void theOldestNeverPausesSoThatAllComeToTheirEnd(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int budget = random.nextInt(20, 400);
    Admission admission = new Admission(budget, 1, budget);
    Map<Long, Integer> ends = new LinkedHashMap<>();
    long begun = 0;
    for (int step = 0; step < 400 || !ends.isEmpty(); step++) {
      assertThat(step).as("all have ended").isLessThan(100_000);
      int most = random.nextInt(1, budget + 1);
      int first = random.nextInt(1, most + 1);
      Need need = new Need(first, random.nextInt(first, most + 1), most, true);
      if (step < 400 && admission.hasRoom(need)) {
        admission.claim(++begun, need);
        ends.put(begun, random.nextInt(first, most + 1));
      }
      if (!ends.isEmpty()) {
        long oldest = ends.keySet().iterator().next();
        assertThat(admission.grow(oldest, ends.get(oldest))).isGreaterThanOrEqualTo(first(ends));
      }
      for (long session : List.copyOf(ends.keySet())) {
        int end = ends.get(session);
        if (random.nextBoolean() && admission.grow(session, end) >= end) {
          ends.remove(session);
          if (random.nextBoolean()) {
            admission.release(session);
          } else {
            admission.idle(session, random.nextInt(0, end + 1));
          }
        }
      }
      assertThat(admission.reservedBytes()).isBetween(0L, (long) budget);
    }
    assertThat(admission.hasRoom(budget)).isTrue();
    assertThat(begun).isPositive();
  }

  private static int first(Map<Long, Integer> ends) {
    return ends.values().iterator().next();
  }
}

package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
  void roomCanBeAskedForAndAReservationResized() {
    Admission admission = new Admission(100, 2, 50);
    assertThat(admission.hasRoom(50)).isTrue();
    assertThat(admission.hasRoom(51)).isFalse();
    admission.claim(1, 30);
    assertThat(admission.hasRoom(20)).isTrue();
    assertThat(admission.hasRoom(21)).isFalse();
    assertThat(admission.resize(1, 51)).isFalse();
    assertThat(admission.resize(1, 45)).isTrue();
    assertThat(admission.reservedBytes()).isEqualTo(90);
    admission.claim(2, 5);
    assertThat(admission.resize(1, 46)).isFalse();
    assertThat(admission.resize(1, 10)).isTrue();
    assertThat(admission.reservedBytes()).isEqualTo(30);
    admission.idle(1, 10);
    assertThat(admission.hasRoom(45)).as("what is idle can be evicted").isTrue();
  }
}

package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import org.e2llm.CapacityException;
import org.junit.jupiter.api.Test;

class AdmissionTest {
  private static final long NEVER = Admission.NEVER;

  @Test
  void firstComeFirstServedEvenIfALaterOneWouldFit() {
    Admission admission = new Admission(1000, 10, 100, 10);
    admission.offer(1, 60, NEVER);
    admission.offer(2, 60, NEVER);
    admission.offer(3, 10, NEVER);
    assertThat(admission.poll(0).admitted()).containsExactly(1L);
    assertThat(admission.poll(0).admitted()).isEmpty();
    admission.release(1);
    assertThat(admission.poll(0).admitted()).containsExactly(2L, 3L);
    assertThat(admission.reservedBytes()).isEqualTo(700);
  }

  @Test
  void whatCanNeverFitIsRefusedWithTheNumberThatWould() {
    Admission admission = new Admission(1005, 10, 200, 10);
    assertThatThrownBy(() -> admission.offer(1, 101, NEVER))
        .isInstanceOf(CapacityException.class)
        .hasMessageContaining("101 tokens")
        .hasMessageContaining("1005 bytes holds 100 tokens");
    assertThatCode(() -> admission.offer(1, 100, NEVER)).doesNotThrowAnyException();
    assertThatThrownBy(() -> new Admission(1L << 40, 10, 200, 10).offer(1, 201, NEVER))
        .isInstanceOf(CapacityException.class)
        .hasMessageContaining("context of 200");
    assertThat(admission.largestSession()).isEqualTo(100);
  }

  @Test
  void theQueueLimitCountsThoseThatCannotRunYet() {
    Admission admission = new Admission(100, 1, 100, 2);
    for (int session = 1; session <= 3; session++) {
      admission.offer(session, 100, NEVER);
      admission.poll(0);
    }
    assertThatThrownBy(() -> admission.offer(4, 1, NEVER))
        .isInstanceOf(CapacityException.class)
        .hasMessageContaining("2 requests wait already");
    admission.withdraw(2);
    assertThatCode(() -> admission.offer(4, 1, NEVER)).doesNotThrowAnyException();
  }

  @Test
  void withAQueueLimitOfZeroOnlyWhatCanStartAtOnceIsTaken() {
    Admission admission = new Admission(100, 1, 100, 0);
    admission.offer(1, 70, NEVER);
    assertThat(admission.poll(0).admitted()).containsExactly(1L);
    assertThatThrownBy(() -> admission.offer(2, 70, NEVER)).isInstanceOf(CapacityException.class);
    admission.offer(2, 30, NEVER);
    assertThat(admission.poll(0).admitted()).containsExactly(2L);
  }

  @Test
  void aDeadlineEndsWaitingAndLetsOthersPass() {
    Admission admission = new Admission(100, 1, 100, 10);
    admission.offer(1, 50, 1000);
    assertThat(admission.poll(999).admitted()).containsExactly(1L);
    admission.offer(2, 80, 2000);
    admission.offer(3, 50, NEVER);
    assertThat(admission.nextDeadline()).isEqualTo(2000);
    assertThat(admission.poll(1999).expired()).isEmpty();
    Admission.Decision decision = admission.poll(2000);
    assertThat(decision.expired()).containsExactly(2L);
    assertThat(decision.admitted()).containsExactly(3L);
    assertThat(admission.nextDeadline()).isEqualTo(NEVER);
  }

  @Test
  void idleSessionsCountUntilTheHeadOfTheQueueNeedsTheirRoom() {
    Admission admission = new Admission(100, 1, 100, 10);
    for (long session = 1; session <= 3; session++) {
      admission.offer(session, 30, NEVER);
      admission.poll(0);
      admission.idle(session, 20);
    }
    assertThat(admission.reservedBytes()).isEqualTo(60);
    admission.offer(4, 70, NEVER);
    Admission.Decision decision = admission.poll(0);
    assertThat(decision.evicted()).containsExactly(1L, 2L);
    assertThat(decision.admitted()).containsExactly(4L);
    assertThat(admission.reservedBytes()).isEqualTo(90);
  }

  @Test
  void aSessionNeverEvictsItselfAndReusesWhatItHolds() {
    Admission admission = new Admission(100, 1, 100, 10);
    admission.offer(1, 60, NEVER);
    admission.poll(0);
    admission.idle(1, 60);
    admission.offer(1, 100, NEVER);
    Admission.Decision decision = admission.poll(0);
    assertThat(decision.evicted()).isEmpty();
    assertThat(decision.admitted()).containsExactly(1L);
    assertThat(admission.reservedBytes()).isEqualTo(100);
    admission.release(1);
    assertThat(admission.reservedBytes()).isZero();
  }

  @Test
  void aClaimIsAtOnceOrNever() {
    Admission admission = new Admission(100, 1, 100, 10);
    admission.offer(1, 40, NEVER);
    admission.poll(0);
    assertThatThrownBy(() -> admission.claim(2, 61))
        .isInstanceOf(CapacityException.class)
        .hasMessageContaining("60 of 100 bytes are free now");
    assertThat(admission.claim(2, 60)).isEmpty();
    assertThat(admission.reservedBytes()).isEqualTo(100);
  }

  private record Event(int kind, int session, int tokens, int deadline) {}

  /** Random life against a plain model of it. */
  @Property(tries = 500)
  void reservationsStayInsideTheBudgetAndOrderIsKept(
      @ForAll("events") @Size(max = 120) List<Event> events) {
    int budget = 50;
    Admission admission = new Admission(budget, 1, 40, 6);
    Map<Long, Integer> waiting = new LinkedHashMap<>();
    Map<Long, Long> deadlines = new LinkedHashMap<>();
    Map<Long, Integer> held = new LinkedHashMap<>();
    Set<Long> running = new HashSet<>();
    long now = 0;
    for (Event event : events) {
      long id = event.session();
      switch (event.kind()) {
        case 0:
        case 1:
          if (!waiting.containsKey(id) && !running.contains(id)) {
            try {
              long deadline = event.deadline() == 0 ? NEVER : now + event.deadline();
              admission.offer(id, event.tokens(), deadline);
              assertThat(event.tokens()).isLessThanOrEqualTo(40);
              waiting.put(id, event.tokens());
              deadlines.put(id, deadline);
            } catch (CapacityException e) {
              assertThat(event.tokens() > 40 || waiting.size() >= 6).isTrue();
            }
          }
          break;
        case 2:
          admission.release(id);
          waiting.remove(id);
          running.remove(id);
          held.remove(id);
          break;
        case 3:
          if (running.remove(id)) {
            int kept = Math.min(held.get(id), event.tokens());
            admission.idle(id, kept);
            held.put(id, kept);
          }
          break;
        default:
          admission.withdraw(id);
          waiting.remove(id);
      }
      now++;
      Admission.Decision decision = admission.poll(now);
      for (long expired : decision.expired()) {
        assertThat(deadlines.get(expired)).isLessThanOrEqualTo(now);
        assertThat(waiting.remove(expired)).isNotNull();
      }
      for (long evicted : decision.evicted()) {
        assertThat(running).doesNotContain(evicted);
        assertThat(held.remove(evicted)).isNotNull();
      }
      List<Long> expectedOrder = new ArrayList<>(waiting.keySet());
      assertThat(expectedOrder.subList(0, decision.admitted().size()))
          .isEqualTo(decision.admitted());
      for (long admitted : decision.admitted()) {
        held.put(admitted, waiting.remove(admitted));
        running.add(admitted);
      }
      long sum = held.values().stream().mapToLong(Integer::longValue).sum();
      assertThat(admission.reservedBytes()).isEqualTo(sum).isLessThanOrEqualTo(budget);
      assertThat(admission.queued()).isEqualTo(waiting.size());
      assertThat(admission.active()).isEqualTo(held.size());
      // The head waits only for those that run: idle ones would have made room.
      if (!waiting.isEmpty()) {
        long runningSum = running.stream().mapToLong(held::get).sum();
        assertThat(runningSum + waiting.values().iterator().next()).isGreaterThan(budget);
      }
    }
  }

  @Provide
  Arbitrary<List<Event>> events() {
    return Combinators.combine(
            Arbitraries.integers().between(0, 4),
            Arbitraries.integers().between(1, 10),
            Arbitraries.integers().between(1, 44),
            Arbitraries.integers().between(0, 9))
        .as(Event::new)
        .list();
  }

  @Test
  void roomCanBeAskedForAndAReservationResized() {
    Admission admission = new Admission(100, 2, 50, 9);
    assertThat(admission.hasRoom(50)).isTrue();
    assertThat(admission.hasRoom(51)).isFalse();
    assertThat(admission.claim(1, 30)).isEmpty();
    assertThat(admission.hasRoom(20)).isTrue();
    assertThat(admission.hasRoom(21)).isFalse();
    assertThat(admission.resize(1, 51)).isFalse();
    assertThat(admission.resize(1, 45)).isTrue();
    assertThat(admission.reservedBytes()).isEqualTo(90);
    assertThat(admission.claim(2, 5)).isEmpty();
    assertThat(admission.resize(1, 46)).isFalse();
    assertThat(admission.resize(1, 10)).isTrue();
    assertThat(admission.reservedBytes()).isEqualTo(30);
    admission.idle(1, 10);
    assertThat(admission.hasRoom(45)).as("what is idle can be evicted").isTrue();
  }
}

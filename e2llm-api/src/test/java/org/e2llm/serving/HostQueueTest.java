package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import org.e2llm.CapacityException;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Slo;
import org.junit.jupiter.api.Test;

class HostQueueTest {
  private static final long NEVER = HostQueue.NEVER;
  private static final long SECOND = 1_000_000_000;

  /** Prompts at 100 tokens a second, answers at 100 divided by those who decode. */
  private static HostQueue queue(int kvTokens, int queueLimit, Slo slo) {
    return new HostQueue(
        new HostLimits(kvTokens, 1, kvTokens, queueLimit, slo),
        new TwoSpeeds(new Role[] {Role.MIXED}, new double[] {100}, kvTokens, 0));
  }

  private static HostQueue queue(int kvTokens, int queueLimit) {
    return queue(kvTokens, queueLimit, Slo.NONE);
  }

  /** Of {@code tokens} in all, of which one is the prompt. */
  private static void offer(HostQueue queue, long id, int tokens, long deadline) {
    queue.arrive(new HostQueue.Arrival(id, 1, 0, tokens - 1, false, true, deadline), 0, 0);
  }

  private static void ask(HostQueue queue, long id, int prompt, double seconds) {
    long now = Math.round(seconds * SECOND);
    queue.arrive(new HostQueue.Arrival(id, prompt, 0, 10, false, true, NEVER), now, 0);
  }

  /** All who begin, if there is room for every prompt. */
  private static List<Long> begin(HostQueue queue, double seconds) {
    List<Long> begun = new ArrayList<>();
    long now = Math.round(seconds * SECOND);
    for (Dispatcher.Start start = queue.start(now, false); start != null; ) {
      begun.add(start.session());
      start = queue.start(now, false);
    }
    return begun;
  }

  @Test
  void firstComeFirstServedEvenIfALaterOneWouldFit() {
    HostQueue queue = queue(100, 10);
    offer(queue, 1, 60, NEVER);
    offer(queue, 2, 60, NEVER);
    offer(queue, 3, 10, NEVER);
    assertThat(begin(queue, 0)).containsExactly(1L);
    assertThat(begin(queue, 0)).isEmpty();
    queue.release(1);
    assertThat(begin(queue, 0)).containsExactly(2L, 3L);
    assertThat(queue.admission().reservedBytes()).isEqualTo(70);
  }

  @Test
  void aShortPromptOvertakesALongOneThatJustCameAndNobodyIsOvertakenForEver() {
    HostQueue queue = queue(10_000, 1000);
    ask(queue, 1, 200, 0);
    ask(queue, 2, 10, 0);
    assertThat(queue.start(0, false)).extracting(Dispatcher.Start::session).isEqualTo(2L);
    int overtaken = 0;
    for (long id = 3; id < 100; id++, overtaken++) {
      ask(queue, id, 10, 0);
      if (Objects.requireNonNull(queue.start(0, false)).session() == 1) {
        break;
      }
    }
    assertThat(overtaken).as("four times its own length, in tokens that come").isBetween(70, 80);
  }

  @Test
  void whoCannotBeInTimeLetsThoseGoFirstWhoCan() {
    HostQueue queue = queue(10_000, 1000, new Slo(2, Double.POSITIVE_INFINITY));
    ask(queue, 1, 500, 0); // takes five seconds
    ask(queue, 2, 100, 0);
    ask(queue, 3, 100, 0.5);
    assertThat(queue.start(SECOND / 2, true)).extracting(Dispatcher.Start::session).isEqualTo(2L);
    assertThat(queue.start(SECOND / 2, true)).extracting(Dispatcher.Start::session).isEqualTo(3L);
    assertThat(queue.start(SECOND / 2, true)).as("nobody else can be in time").isNull();
    assertThat(queue.start(SECOND / 2, false))
        .isEqualTo(new Dispatcher.Start(1, new Router.Route(0, 0), true));
  }

  @Test
  void whoHasWaitedElsewhereIsAsLateAsItWouldBeThere() {
    HostQueue queue = queue(10_000, 1000, new Slo(2, Double.POSITIVE_INFINITY));
    long waited = 1_800_000_000;
    queue.arrive(new HostQueue.Arrival(1, 50, 0, 10, false, true, NEVER), 0, waited);
    ask(queue, 2, 100, 0);
    assertThat(begin(queue, 0)).containsExactly(2L, 1L);
  }

  @Test
  void whoIsLateIsLookedAtAgainWhenNobodyIsExpectedAnyMore() {
    HostQueue queue = queue(100, 1000, new Slo(0.9, Double.POSITIVE_INFINITY));
    for (int i = 1; i <= 3; i++) {
      ask(queue, i, 25, i); // an answer takes a second; there is room for two, with their answers
    }
    assertThat(begin(queue, 10)).as("the other place is for who comes next").hasSize(1);
    long look = queue.nextLook(10 * SECOND);
    assertThat(look).isBetween(10 * SECOND, 12 * SECOND);
    assertThat(begin(queue, look / 1e9)).hasSize(1);
  }

  @Test
  void noMoreDecodeTogetherThanGetTheirTokensInTime() {
    HostQueue queue = queue(10_000, 1000, new Slo(Double.POSITIVE_INFINITY, 0.025));
    for (int i = 1; i <= 3; i++) {
      ask(queue, i, 30, 0);
    }
    assertThat(begin(queue, 0)).containsExactly(1L, 2L);
    queue.fed(1, 30);
    queue.prefilled(1);
    assertThat(begin(queue, 1)).isEmpty();
    queue.answered(10);
    queue.release(1);
    assertThat(begin(queue, 1)).containsExactly(3L);
  }

  @Test
  void aPromptThatIsOnlyComputedTakesNoPlaceFromThoseThatDecode() {
    HostQueue queue = queue(10_000, 1000, new Slo(Double.POSITIVE_INFINITY, 0.025));
    for (int i = 1; i <= 4; i++) {
      queue.arrive(new HostQueue.Arrival(i, 30, 0, 1, false, i > 2, NEVER), 0, 0);
    }
    assertThat(begin(queue, 0)).containsExactly(1L, 2L, 3L, 4L);
  }

  @Test
  void whoLostItsPlaceElsewhereGoesFirst() {
    HostQueue queue = queue(10_000, 1000);
    ask(queue, 1, 10, 0);
    queue.arrive(new HostQueue.Arrival(2, 500, 0, 10, true, true, NEVER), 0, 0);
    assertThat(begin(queue, 0)).containsExactly(2L, 1L);
  }

  @Test
  void whatAConversationHoldsIsNoWorkForItsNextTurn() {
    HostQueue queue = queue(10_000, 1000);
    ask(queue, 1, 100, 0);
    queue.arrive(new HostQueue.Arrival(2, 500, 490, 10, false, true, NEVER), 0, 0);
    assertThat(begin(queue, 0)).as("ten tokens are fewer than a hundred").containsExactly(2L, 1L);
    assertThat(queue.admission().reservedBytes()).isEqualTo(510 + 110);
    queue.fed(2, 500); // what it held was evicted meanwhile
    queue.prefilled(2);
    queue.idle(2, 505);
    queue.release(1);
    assertThat(queue.admission().reservedBytes()).isEqualTo(505);
  }

  @Test
  void aConversationThatIsReleasedGivesBackWhatItHoldsWhileItsNextTurnWaits() {
    HostQueue queue = queue(100, 10);
    offer(queue, 1, 60, NEVER);
    assertThat(begin(queue, 0)).containsExactly(1L);
    queue.idle(1, 50);
    offer(queue, 2, 55, NEVER);
    assertThat(begin(queue, 0)).containsExactly(2L);
    assertThat(queue.admission().takeEvicted()).containsExactly(1L);
    offer(queue, 1, 60, NEVER);
    queue.release(1);
    assertThat(queue.size()).isEqualTo(1);
    queue.release(2);
    assertThat(begin(queue, 0)).containsExactly(1L);
  }

  @Test
  void theQueueLimitCountsThoseThatLackMemory() {
    HostQueue queue = queue(100, 2);
    for (int session = 1; session <= 3; session++) {
      offer(queue, session, 100, NEVER);
    }
    assertThatThrownBy(() -> offer(queue, 4, 2, NEVER))
        .isInstanceOf(CapacityException.class)
        .hasMessageContaining("2 requests wait already");
    queue.withdraw(2);
    assertThatCode(() -> offer(queue, 4, 2, NEVER)).doesNotThrowAnyException();
    assertThat(queue.size()).isEqualTo(3);
  }

  @Test
  void thoseThatOnlyWaitForTheNextBatchDoNotCount() {
    HostQueue queue = queue(100, 0);
    for (int session = 1; session <= 4; session++) {
      offer(queue, session, 25, NEVER);
    }
    assertThatThrownBy(() -> offer(queue, 5, 2, NEVER)).isInstanceOf(CapacityException.class);
  }

  @Test
  void withAQueueLimitOfZeroOnlyWhatHasRoomNowIsTaken() {
    HostQueue queue = queue(100, 0);
    offer(queue, 1, 70, NEVER);
    assertThat(begin(queue, 0)).containsExactly(1L);
    assertThatThrownBy(() -> offer(queue, 2, 70, NEVER)).isInstanceOf(CapacityException.class);
    offer(queue, 2, 30, NEVER);
    assertThat(begin(queue, 0)).containsExactly(2L);
  }

  @Test
  void aDeadlineEndsWaitingAndLetsOthersPass() {
    HostQueue queue = queue(100, 10);
    offer(queue, 1, 50, 1000);
    assertThat(queue.expire(999)).isEmpty();
    assertThat(begin(queue, 0)).containsExactly(1L);
    offer(queue, 2, 80, 2000);
    offer(queue, 3, 50, NEVER);
    assertThat(queue.nextLook(0)).isEqualTo(2000);
    assertThat(queue.expire(1999)).isEmpty();
    assertThat(begin(queue, 0)).isEmpty();
    assertThat(queue.expire(2000)).containsExactly(2L);
    assertThat(begin(queue, 0)).containsExactly(3L);
    assertThat(queue.nextLook(0)).isEqualTo(NEVER);
  }

  private record Event(int kind, int session, int tokens, int deadline) {}

  /** Random life against a plain model of it. */
  @Property(tries = 500)
  void reservationsStayInsideTheBudgetAndOrderIsKept(
      @ForAll("events") @Size(max = 120) List<Event> events) {
    int budget = 50;
    HostQueue queue =
        new HostQueue(
            new HostLimits(budget, 1, 40, 6, Slo.NONE),
            new TwoSpeeds(new Role[] {Role.MIXED}, new double[] {100}, budget, 0));
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
              offer(queue, id, event.tokens(), deadline);
              assertThat(event.tokens()).isLessThanOrEqualTo(40);
              waiting.put(id, event.tokens());
              deadlines.put(id, deadline);
            } catch (CapacityException e) {
              assertThat(event.tokens() > 40 || waiting.size() >= 6).isTrue();
            }
          }
          break;
        case 2:
          queue.release(id);
          running.remove(id);
          held.remove(id);
          break;
        case 3:
          if (running.remove(id)) {
            int kept = Math.min(held.get(id), event.tokens());
            queue.idle(id, kept);
            held.put(id, kept);
          }
          break;
        default:
          queue.withdraw(id);
          waiting.remove(id);
      }
      now++;
      for (long expired : queue.expire(now)) {
        assertThat(deadlines.get(expired)).isLessThanOrEqualTo(now);
        assertThat(waiting.remove(expired)).isNotNull();
      }
      List<Long> expectedOrder = new ArrayList<>(waiting.keySet());
      List<Long> begun = begin(queue, now / 1e9);
      assertThat(expectedOrder.subList(0, begun.size())).isEqualTo(begun);
      for (long evicted : queue.admission().takeEvicted()) {
        assertThat(running).doesNotContain(evicted);
        assertThat(held.remove(evicted)).isNotNull();
      }
      for (long each : begun) {
        held.put(each, waiting.remove(each));
        running.add(each);
      }
      long sum = held.values().stream().mapToLong(Integer::longValue).sum();
      assertThat(queue.admission().reservedBytes()).isEqualTo(sum).isLessThanOrEqualTo(budget);
      assertThat(queue.size()).isEqualTo(waiting.size());
      assertThat(queue.admission().active()).isEqualTo(held.size());
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
            Arbitraries.integers().between(2, 44),
            Arbitraries.integers().between(0, 9))
        .as(Event::new)
        .list();
  }
}

package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class BatchSchedulerTest {
  @Test
  void decodeStepsGoFirstAndPromptChunksFillTheBatch() {
    BatchScheduler scheduler = new BatchScheduler(8);
    scheduler.add(1, 0, 3, 20);
    assertThat(step(scheduler)).containsExactly(item(1, 0, 3, true));
    scheduler.add(2, 0, 10, 20);
    scheduler.add(3, 4, 6, 20);
    assertThat(step(scheduler)).containsExactly(item(1, 3, 1, true), item(2, 0, 7, false));
    assertThat(step(scheduler))
        .containsExactly(item(1, 4, 1, true), item(2, 7, 3, true), item(3, 4, 2, true));
    assertThat(step(scheduler))
        .containsExactly(item(1, 5, 1, true), item(2, 10, 1, true), item(3, 6, 1, true));
  }

  @Test
  void moreDecodingSessionsThanRowsTakeTurns() {
    BatchScheduler scheduler = new BatchScheduler(2);
    for (int session = 1; session <= 3; session++) {
      scheduler.add(session, 0, 1, 100);
    }
    step(scheduler);
    step(scheduler);
    Map<Long, Integer> served = new HashMap<>();
    for (int i = 0; i < 30; i++) {
      for (BatchScheduler.Item item : step(scheduler)) {
        served.merge(item.session(), 1, Integer::sum);
      }
    }
    assertThat(served.values()).allMatch(count -> count >= 19 && count <= 21);
  }

  @Test
  void promptsMoveOnThoughDecodingFillsEveryRow() {
    BatchScheduler scheduler = new BatchScheduler(1);
    scheduler.add(1, 0, 1, 1000);
    step(scheduler);
    scheduler.add(2, 0, 5, 1000);
    Set<Long> served = new HashSet<>();
    for (int i = 0; i < 2; i++) {
      step(scheduler).forEach(item -> served.add(item.session()));
    }
    assertThat(served).containsExactlyInAnyOrder(1L, 2L);
  }

  /** Random life: every promise of the scheduler's description. */
  @Property(tries = 200)
  void everySessionMovesOnAndEveryPositionIsFedOnceInOrder(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 9) int maxRows) {
    Random random = new Random(seed);
    BatchScheduler scheduler = new BatchScheduler(maxRows);
    Map<Long, Integer> position = new HashMap<>();
    Map<Long, Integer> promptEnd = new HashMap<>();
    Map<Long, Integer> end = new HashMap<>();
    long lastId = 0;
    for (int round = 0; round < 120; round++) {
      if (round < 60 && random.nextInt(3) == 0) {
        lastId++;
        int from = random.nextInt(3);
        int prompt = from + 1 + random.nextInt(12);
        scheduler.add(lastId, from, prompt, prompt + 6);
        position.put(lastId, from);
        promptEnd.put(lastId, prompt);
        end.put(lastId, prompt + 6);
      }
      BatchScheduler.Decision decision = scheduler.decide();
      assertThat(scheduler.decide()).isEqualTo(decision);
      assertThat(decision.items().isEmpty()).isEqualTo(position.isEmpty());
      int rows = 0;
      boolean prompts = false;
      long lastPrompt = 0;
      for (BatchScheduler.Item item : decision.items()) {
        long id = item.session();
        assertThat(item.start()).isEqualTo(position.get(id));
        boolean inPrompt = item.start() < promptEnd.get(id);
        assertThat(prompts && !inPrompt).as("decode after prompt").isFalse();
        prompts |= inPrompt;
        if (inPrompt) {
          assertThat(id).as("prompts in order of arrival").isGreaterThan(lastPrompt);
          lastPrompt = id;
        } else {
          assertThat(item.length()).isEqualTo(1);
        }
        int next = item.start() + item.length();
        assertThat(item.samples()).isEqualTo(next >= promptEnd.get(id));
        position.put(id, next);
        rows += item.length();
      }
      assertThat(rows).isLessThanOrEqualTo(maxRows);
      scheduler.advance(decision);
      for (BatchScheduler.Item item : decision.items()) {
        if (position.get(item.session()) >= end.get(item.session()) || random.nextInt(40) == 0) {
          scheduler.remove(item.session());
          position.remove(item.session());
        }
      }
    }
    for (int round = 0; round < 20_000 && !scheduler.isEmpty(); round++) {
      for (BatchScheduler.Item item : step(scheduler)) {
        if (item.start() + item.length() >= end.get(item.session())) {
          scheduler.remove(item.session());
        }
      }
    }
    assertThat(scheduler.isEmpty()).as("nobody starves").isTrue();
  }

  @Property(tries = 100)
  void aDecisionStaysValidForAsManyStepsAsItSays(@ForAll long seed) {
    Random random = new Random(seed);
    BatchScheduler scheduler = new BatchScheduler(4);
    for (long session = 1; session <= 3; session++) {
      int prompt = 1 + random.nextInt(6);
      scheduler.add(session, 0, prompt, prompt + 5 + random.nextInt(9));
    }
    for (int round = 0; round < 8; round++) {
      BatchScheduler.Decision promised = scheduler.decide();
      for (int step = 0; step < promised.steps(); step++) {
        BatchScheduler.Decision decision = scheduler.decide();
        assertThat(decision.items()).hasSameSizeAs(promised.items());
        for (int i = 0; i < decision.items().size(); i++) {
          BatchScheduler.Item then = promised.items().get(i);
          assertThat(decision.items().get(i))
              .isEqualTo(item(then.session(), then.start() + step, then.length(), then.samples()));
        }
        scheduler.advance(decision);
      }
    }
  }

  private static List<BatchScheduler.Item> step(BatchScheduler scheduler) {
    BatchScheduler.Decision decision = scheduler.decide();
    scheduler.advance(decision);
    return decision.items();
  }

  private static BatchScheduler.Item item(long session, int start, int length, boolean samples) {
    return new BatchScheduler.Item(session, start, length, samples);
  }
}

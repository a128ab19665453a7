package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
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

  @Test
  void chunksOfAPromptFollowEachOtherAndADecodingSessionWaitsForItsToken() {
    BatchScheduler scheduler = new BatchScheduler(new BatchScheduler.Limits(4, 4, 2));
    scheduler.add(1, 0, 6, 20);
    BatchScheduler.Decision first = launch(scheduler);
    BatchScheduler.Decision second = launch(scheduler);
    assertThat(first.items()).containsExactly(item(1, 0, 4, false));
    assertThat(second.items()).containsExactly(item(1, 4, 2, true));
    assertThat(scheduler.decide().items()).isEmpty();
    scheduler.land(first, 1);
    assertThat(scheduler.decide().items()).isEmpty();
    scheduler.land(second, 1);
    assertThat(launch(scheduler).items()).containsExactly(item(1, 6, 1, true));
    assertThat(scheduler.decide().items()).isEmpty();
  }

  @Test
  void decodingSessionsAreSpreadEvenlyOverTheLanes() {
    BatchScheduler scheduler = new BatchScheduler(new BatchScheduler.Limits(16, 16, 2));
    for (int session = 1; session <= 5; session++) {
      scheduler.join(session, 10, 100);
    }
    BatchScheduler.Decision one = launch(scheduler);
    BatchScheduler.Decision two = launch(scheduler);
    assertThat(one.decodeRows()).isEqualTo(3);
    assertThat(two.decodeRows()).isEqualTo(2);
    scheduler.join(6, 10, 100);
    assertThat(scheduler.decide().items()).as("both lanes are under way").isEmpty();
    scheduler.land(one, 1);
    assertThat(launch(scheduler).decodeRows()).isEqualTo(3);
  }

  @Test
  void batchesOfPromptsAreHeldBackWhereSessionsDecodeIfSoMayBeUnderWayOnly() {
    BatchScheduler scheduler = new BatchScheduler(new BatchScheduler.Limits(8, 4, 1, 2));
    scheduler.add(1, 0, 100, 200);
    List<BatchScheduler.Decision> underWay = new ArrayList<>();
    for (int batch = 0; batch < 3; batch++) {
      underWay.add(launch(scheduler));
      assertThat(underWay.get(batch).size()).as("nobody decodes").isEqualTo(1);
    }
    scheduler.join(2, 50, 60);
    scheduler.land(underWay.get(0), 1);
    assertThat(scheduler.decide().items()).as("two are under way").isEmpty();
    scheduler.land(underWay.get(1), 1);
    assertThat(launch(scheduler).items())
        .containsExactly(item(2, 50, 1, true), item(1, 24, 4, false));
    assertThat(scheduler.decide().items()).isEmpty();
  }

  @Test
  void promptsTakeFewRowsWhereSessionsDecode() {
    BatchScheduler scheduler = new BatchScheduler(new BatchScheduler.Limits(64, 8, 1));
    scheduler.add(1, 0, 100, 200);
    assertThat(scheduler.wantsPrompt()).isFalse();
    assertThat(step(scheduler)).containsExactly(item(1, 0, 64, false));
    assertThat(scheduler.wantsPrompt()).isTrue();
    scheduler.join(2, 50, 60);
    assertThat(scheduler.wantsPrompt()).isFalse();
    assertThat(step(scheduler)).containsExactly(item(2, 50, 1, true), item(1, 64, 8, false));
  }

  @Test
  void stepsThatAreTheSameCanLandTogether() {
    BatchScheduler scheduler = new BatchScheduler(8);
    scheduler.join(1, 10, 15);
    scheduler.join(2, 20, 40);
    BatchScheduler.Decision decision = launch(scheduler);
    assertThat(decision.steps()).isEqualTo(5);
    scheduler.land(decision, 5);
    assertThat(scheduler.decide().items())
        .containsExactly(item(1, 15, 1, true), item(2, 25, 1, true));
  }

  /** Several batches under way: no position twice, none left out, no more than may be. */
  @Property(tries = 200)
  void batchesUnderWayFeedEveryPositionOnceInOrder(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 9) int rows,
      @ForAll @IntRange(min = 1, max = 4) int lanes) {
    Random random = new Random(seed);
    int mixed = 1 + random.nextInt(rows);
    int batches = lanes + random.nextInt(3);
    BatchScheduler scheduler =
        new BatchScheduler(new BatchScheduler.Limits(rows, mixed, lanes, batches));
    Map<Long, Integer> position = new HashMap<>();
    Map<Long, Integer> promptEnd = new HashMap<>();
    Set<Long> awaited = new HashSet<>();
    List<BatchScheduler.Decision> underWay = new ArrayList<>();
    long lastId = 0;
    for (int round = 0; round < 300; round++) {
      int dice = random.nextInt(4);
      if (dice == 0 && round < 200) {
        lastId++;
        int prompt = 1 + random.nextInt(12);
        boolean joins = random.nextInt(3) == 0;
        if (joins) {
          scheduler.join(lastId, prompt, prompt + 9);
        } else {
          scheduler.add(lastId, 0, prompt, prompt + 9);
        }
        position.put(lastId, joins ? prompt : 0);
        promptEnd.put(lastId, joins ? prompt : prompt);
      } else if (dice < 3) {
        BatchScheduler.Decision decision = launch(scheduler);
        int promptRows = 0;
        for (BatchScheduler.Item item : decision.items()) {
          long id = item.session();
          assertThat(item.start()).isEqualTo(position.get(id));
          assertThat(awaited).as("its last token is known").doesNotContain(id);
          position.put(id, item.start() + item.length());
          if (item.samples()) {
            awaited.add(id);
          }
          promptRows += item.start() < promptEnd.get(id) ? item.length() : 0;
        }
        assertThat(decision.decodeRows() + promptRows).isLessThanOrEqualTo(rows);
        if (decision.decodeRows() > 0) {
          assertThat(promptRows).isLessThanOrEqualTo(mixed);
        }
        if (decision.size() > 0) {
          assertThat(scheduler.decoding() == 0 || underWay.size() < batches).isTrue();
          underWay.add(decision);
        }
        assertThat(underWay.stream().filter(batch -> batch.decodeRows() > 0).count())
            .isLessThanOrEqualTo(lanes);
      } else if (!underWay.isEmpty()) {
        BatchScheduler.Decision landed = underWay.remove(0);
        scheduler.land(landed, 1);
        for (int i = 0; i < landed.size(); i++) {
          if (!landed.stands(i)) {
            continue;
          }
          long id = landed.session(i);
          if (landed.samples(i)) {
            awaited.remove(id);
          }
          if (random.nextInt(15) == 0) {
            scheduler.remove(id);
            position.remove(id);
            awaited.remove(id);
          }
        }
      }
    }
  }

  @Test
  void aPromptThatYieldsHasTheRowsThatOthersLeave() {
    BatchScheduler scheduler = new BatchScheduler(8);
    scheduler.add(1, 0, 20, 30, true);
    assertThat(step(scheduler)).containsExactly(item(1, 0, 8, false));
    assertThat(scheduler.wantsPrompt()).isFalse();
    assertThat(scheduler.wantsPromptInTime()).isTrue();
    scheduler.add(2, 0, 10, 11);
    assertThat(scheduler.wantsPromptInTime()).isFalse();
    assertThat(step(scheduler)).containsExactly(item(2, 0, 8, false));
    assertThat(step(scheduler)).containsExactly(item(2, 8, 2, true), item(1, 8, 6, false));
  }

  @Test
  void aPromptThatYieldsIsDoneSomeTimeWhateverElseComes() {
    BatchScheduler scheduler = new BatchScheduler(4);
    scheduler.add(0, 0, 8, 9, true);
    int steps = 0;
    for (long next = 1; scheduler.prompts() > 0 && steps < 1000; next++) {
      scheduler.add(next, 0, 4, 5);
      step(scheduler);
      scheduler.remove(next);
      steps++;
    }
    assertThat(steps).isEqualTo(2 * BatchScheduler.TURN);
  }

  private static BatchScheduler.Decision launch(BatchScheduler scheduler) {
    BatchScheduler.Decision decision = scheduler.decide();
    scheduler.launch(decision);
    return decision;
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

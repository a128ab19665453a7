package org.e2llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.testing.FakeEngine;
import org.junit.jupiter.api.Test;

class ManyGenerationsTest {
  private static GenerationRequest request(int i) {
    return FakeModel.request("Tell " + i + "x".repeat(i * 7 % 40))
        .maxTokens(2 + i % 30)
        .temperature(i % 3 == 0 ? 0 : 0.9f)
        .repeatPenalty(1.1f)
        .seed(i)
        .stop("ab")
        .build();
  }

  @Test
  void aHundredAtOnceGiveTheTextsOfOneAtATime() throws Exception {
    List<String> alone = new ArrayList<>();
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm) {
      for (int i = 0; i < 100; i++) {
        alone.add(model.text(request(i)));
      }
      ExecutorService callers = Executors.newFixedThreadPool(8);
      List<Future<String>> together = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        GenerationRequest request = request(i);
        together.add(callers.submit(() -> llm.generate(request).await().text()));
      }
      for (int i = 0; i < 100; i++) {
        assertThat(together.get(i).get()).isEqualTo(alone.get(i));
      }
      callers.shutdown();
      assertThat(llm.stats()).isEqualTo(idle(llm));
    }
  }

  @Property(tries = 25)
  void batchingNeverChangesText(
      @ForAll @IntRange(min = 1, max = 40) int rows,
      @ForAll @IntRange(min = 60, max = 400) int kvTokens,
      @ForAll @IntRange(min = 1, max = 12) int count) {
    FakeModel reference = new FakeModel(builder -> builder.batch(512));
    FakeModel model =
        new FakeModel(
            builder -> builder.batch(rows).kvMemory((long) kvTokens * FakeEngine.BYTES_PER_TOKEN));
    try (E2llm alone = reference.llm;
        E2llm llm = model.llm) {
      List<Generation> generations = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        generations.add(llm.generate(request(i)));
      }
      for (int i = 0; i < count; i++) {
        assertThat(generations.get(i).await().text()).isEqualTo(reference.text(request(i)));
      }
    }
  }

  @Test
  void promptChunksAndDecodeStepsShareBatches() {
    FakeModel model = new FakeModel();
    FakeModel.Gate gate = model.gate();
    try (E2llm llm = model.llm) {
      Generation first = llm.generate(FakeModel.request("Once").build());
      gate.awaitEntered();
      model.engine.keepBatches = true;
      Generation second = llm.generate(FakeModel.request("upon").build());
      gate.open();
      first.await();
      second.await();
      Batch mixed = model.engine.batches.get(0);
      assertThat(mixed.slices()).extracting(Batch.Slice::length).containsExactly(1, 5);
    }
  }

  @Test
  void cancellingHalfOfThemFreesTheirMemoryAndLeavesTheOthersAlone() {
    FakeModel reference = new FakeModel();
    FakeModel model = new FakeModel(builder -> builder.batch(8192));
    FakeModel.Gate first = model.gate();
    try (E2llm llm = model.llm;
        E2llm alone = reference.llm) {
      Generation before = llm.generate(FakeModel.request("a").maxTokens(1).build());
      first.awaitEntered();
      List<Generation> generations = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        generations.add(llm.generate(request(i)));
      }
      FakeModel.Gate gate = model.gate();
      first.open(model.engine.before);
      gate.awaitEntered();
      assertThat(before.isDone()).isTrue();
      long reserved = llm.stats().kvReservedBytes();
      for (int i = 0; i < 100; i += 2) {
        generations.get(i).cancel();
      }
      long freed = 0;
      // Everybody has begun; the gate still holds the batch in which they run.
      assertThat(llm.stats().activeSessions()).isEqualTo(100);
      gate.open();
      for (int i = 0; i < 100; i += 2) {
        GenerationResult whole = alone.generate(request(i)).await();
        boolean inThatBatch = whole.usage().outputTokens() == 1;
        assertThat(generations.get(i).await().finishReason())
            .isEqualTo(inThatBatch ? whole.finishReason() : FinishReason.CANCELLED);
        freed += reservedBy(i);
      }
      assertThat(llm.stats().kvReservedBytes()).isLessThanOrEqualTo(reserved - freed);
      for (int i = 1; i < 100; i += 2) {
        assertThat(generations.get(i).await().text()).isEqualTo(reference.text(request(i)));
      }
      assertThat(llm.stats()).isEqualTo(idle(llm));
      assertThat(model.engine.openSessions()).isZero();
    }
  }

  private static long reservedBy(int i) {
    int prompt = 1 + ("Tell " + i + "x".repeat(i * 7 % 40)).length();
    return (long) (prompt + 2 + i % 30) * FakeEngine.BYTES_PER_TOKEN;
  }

  @Test
  void reservationsStayInsideTheBudgetAndAllocationsInsideReservations() {
    long budget = 120L * FakeEngine.BYTES_PER_TOKEN;
    FakeModel model = new FakeModel(builder -> builder.kvMemory(budget));
    List<ServingStats> seen = Collections.synchronizedList(new ArrayList<>());
    try (E2llm llm = model.llm) {
      model.engine.before = batch -> seen.add(llm.stats());
      List<Generation> generations = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        generations.add(llm.generate(request(i)));
      }
      generations.forEach(Generation::await);
      assertThat(seen)
          .allMatch(stats -> stats.kvReservedBytes() <= budget)
          .allMatch(stats -> stats.kvAllocatedBytes() <= budget)
          .anyMatch(stats -> stats.queued() > 0)
          .anyMatch(stats -> stats.activeSessions() > 1);
      assertThat(llm.stats()).isEqualTo(idle(llm));
    }
  }

  @Test
  void equallyLongOnesStartInTheOrderTheyCame() {
    FakeModel model = new FakeModel(builder -> builder.kvMemory(40L * FakeEngine.BYTES_PER_TOKEN));
    FakeModel.Gate gate = model.gate();
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    try (E2llm llm = model.llm) {
      List<Generation> generations = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        int number = i;
        generations.add(
            llm.generate(
                FakeModel.request("aaaa")
                    .maxTokens(20)
                    .logitsProcessor(
                        (tokens, logits) -> {
                          if (!order.contains(number)) {
                            order.add(number);
                          }
                        })
                    .build()));
      }
      gate.awaitEntered();
      gate.open();
      generations.forEach(Generation::await);
    }
    assertThat(order).hasSize(12).isSorted();
  }

  @Test
  void aShortOneMayStartBeforeALongOneThatHasJustCome() {
    FakeModel model = new FakeModel(builder -> builder.kvMemory(90L * FakeEngine.BYTES_PER_TOKEN));
    FakeModel.Gate gate = model.gate();
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    try (E2llm llm = model.llm) {
      List<Generation> generations = new ArrayList<>();
      for (int length : List.of(30, 60, 5)) {
        generations.add(
            llm.generate(
                FakeModel.request("a".repeat(length))
                    .maxTokens(20)
                    .logitsProcessor(
                        (tokens, logits) -> {
                          if (!order.contains(length)) {
                            order.add(length);
                          }
                        })
                    .build()));
        gate.awaitEntered(); // the first one runs, and leaves no room for the second
      }
      gate.open();
      generations.forEach(Generation::await);
    }
    assertThat(order).containsExactly(30, 5, 60);
  }

  @Test
  void aFullQueueRefusesAndSaysSo() {
    FakeModel model =
        new FakeModel(builder -> builder.kvMemory(40L * FakeEngine.BYTES_PER_TOKEN).queueLimit(2));
    FakeModel.Gate gate = model.gate();
    try (E2llm llm = model.llm) {
      GenerationRequest request = FakeModel.request("a").maxTokens(30).build();
      Generation running = llm.generate(request);
      gate.awaitEntered();
      Generation second = llm.generate(request);
      Generation third = llm.generate(request);
      assertThat(llm.stats().queued()).isEqualTo(2);
      assertThatThrownBy(() -> llm.generate(request))
          .isInstanceOf(CapacityException.class)
          .hasMessageContaining("queue limit");
      second.cancel();
      assertThat(second.await().finishReason()).isEqualTo(FinishReason.CANCELLED);
      Generation fourth = llm.generate(request);
      gate.open();
      for (Generation generation : List.of(running, third, fourth)) {
        assertThat(generation.await().text()).isNotEmpty();
      }
    }
  }

  @Test
  void aDeadlineEndsWaitingButNotRunning() {
    FakeModel model = new FakeModel(builder -> builder.kvMemory(40L * FakeEngine.BYTES_PER_TOKEN));
    FakeModel.Gate gate = model.gate();
    try (E2llm llm = model.llm) {
      GenerationRequest request =
          FakeModel.request("a").maxTokens(30).deadline(Duration.ofNanos(1)).build();
      Generation first = llm.generate(request.toBuilder().deadline(Duration.ofDays(1)).build());
      gate.awaitEntered();
      Generation late = llm.generate(request);
      Generation patient = llm.generate(request.toBuilder().deadline(Duration.ofDays(1)).build());
      gate.open();
      assertThatThrownBy(late::await)
          .isInstanceOf(DeadlineExceededException.class)
          .hasMessageContaining("not started");
      assertThat(first.await().text()).isNotEmpty();
      assertThat(patient.await().text()).isNotEmpty();
    }
  }

  @Test
  void aStageThatThrowsEndsTheSessionsOfItsBatchAndTheLoopLivesOn() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm) {
      for (Throwable thrown : List.of(new IllegalStateException("boom"), new AssertionError())) {
        FakeModel.Gate gate = model.gate();
        Generation first = llm.generate(FakeModel.request("Once").build());
        gate.awaitEntered();
        Generation second = llm.generate(FakeModel.request("upon").build());
        CountDownLatch failed = new CountDownLatch(1);
        gate.open(
            batch -> {
              if (batch.slices().size() == 2 && failed.getCount() > 0) {
                failed.countDown();
                throwAs(thrown);
              }
            });
        for (Generation generation : List.of(first, second)) {
          assertThatThrownBy(generation::await)
              .isInstanceOf(StageFailedException.class)
              .hasCause(thrown);
        }
        assertThat(llm.stats()).isEqualTo(idle(llm));
        assertThat(model.text(FakeModel.request("Once").build())).isNotEmpty();
      }
    }
  }

  private static void throwAs(Throwable thrown) {
    if (thrown instanceof Error error) {
      throw error;
    }
    throw (RuntimeException) thrown;
  }

  @Test
  void aSlowCallbackDoesNotKeepOthersFromComputing() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm) {
      CountDownLatch release = new CountDownLatch(1);
      Generation slow =
          llm.generate(FakeModel.request("Once").build())
              .onToken(
                  token -> {
                    try {
                      release.await();
                    } catch (InterruptedException e) {
                      throw new AssertionError(e);
                    }
                  });
      Generation quick = llm.generate(FakeModel.request("upon").build());
      StringBuilder text = new StringBuilder();
      quick.forEach(token -> text.append(token.text()));
      assertThat(text).hasToString(quick.await().text());
      assertThatThrownBy(() -> slow.await(Duration.ofMillis(1)))
          .isInstanceOf(WaitTimeoutException.class);
      release.countDown();
      assertThat(slow.await().text()).isNotEmpty();
    }
  }

  @Test
  void tenThousandShortGenerationsLeaveNothingBehind() {
    FakeModel model = new FakeModel();
    int threads = libraryThreads();
    try (E2llm llm = model.llm) {
      Random random = new Random(1);
      List<Generation> open = new ArrayList<>();
      for (int i = 0; i < 10_000; i++) {
        Generation generation =
            llm.generate(FakeModel.request("a" + i).maxTokens(1 + random.nextInt(3)).build());
        switch (random.nextInt(4)) {
          case 0:
            generation.cancel();
            break;
          case 1:
            generation.onToken(token -> {});
            break;
          case 2:
            assertThat(generation.iterator().hasNext()).isTrue();
            break;
          default:
        }
        open.add(generation);
        if (open.size() == 50) {
          open.forEach(Generation::await);
          open.clear();
        }
      }
      assertThat(llm.stats()).isEqualTo(idle(llm));
      assertThat(model.engine.openSessions()).isZero();
      assertThat(libraryThreads()).isLessThanOrEqualTo(threads + 2);
    }
  }

  private static int libraryThreads() {
    return (int)
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().startsWith("e2llm-"))
            .count();
  }

  private static ServingStats idle(E2llm llm) {
    return new ServingStats(0, 0, llm.stats().kvBudgetBytes(), 0, 0);
  }
}

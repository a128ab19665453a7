package org.e2llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.testing.FakeEngine;
import org.e2llm.testing.FakeTokenizer;
import org.junit.jupiter.api.Test;

class ScorerTest {
  private static int[] tokens(int count) {
    int[] tokens = new int[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = i * 37 % 256;
    }
    return tokens;
  }

  @Property(tries = 30)
  void howeverTokensAreFedTheLogitsAreTheSame(
      @ForAll @IntRange(min = 1, max = 50) int count,
      @ForAll @IntRange(min = 1, max = 60) int chunk) {
    try (E2llm llm = new FakeModel().llm;
        Scorer whole = llm.scorer(100);
        Scorer cut = llm.scorer(100)) {
      whole.feed(tokens(count));
      cut.feed(tokens(count), chunk);
      assertThat(cut.logits()).isEqualTo(whole.logits());
      assertThat(cut.position()).isEqualTo(count);
    }
  }

  @Test
  void logProbabilitiesAreThoseOfTheLogits() {
    try (E2llm llm = new FakeModel().llm;
        Scorer at = llm.scorer(100);
        Scorer scorer = llm.scorer(100)) {
      int[] tokens = tokens(40);
      double[] scored = scorer.logProbabilities(tokens);
      assertThat(scored).hasSize(39);
      assertThat(scorer.position()).isEqualTo(40);
      for (int i = 0; i + 1 < tokens.length; i++) {
        at.feed(new int[] {tokens[i]});
        float[] logits = at.logits();
        double sum = 0;
        for (float logit : logits) {
          sum += Math.exp(logit);
        }
        assertThat(scored[i]).isCloseTo(logits[tokens[i + 1]] - Math.log(sum), within(1e-9));
      }
      at.feed(new int[] {tokens[39]});
      assertThat(scorer.logits()).isEqualTo(at.logits());
    }
  }

  @Test
  void chunksAreAsAsked() {
    FakeModel model = new FakeModel();
    model.engine.keepBatches = true;
    try (E2llm llm = model.llm;
        Scorer scorer = llm.scorer()) {
      assertThat(scorer.capacity()).isEqualTo(512);
      scorer.feed(tokens(10), 4);
      scorer.feed(tokens(20));
      List<Integer> lengths = new ArrayList<>();
      for (Batch batch : model.engine.batches) {
        lengths.add(batch.rows());
      }
      assertThat(lengths).containsExactly(4, 4, 2, 16, 4);
      scorer.reset();
      assertThat(scorer.position()).isZero();
      assertThatThrownBy(scorer::logits).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void resetForgetsEverything() {
    try (E2llm llm = new FakeModel().llm;
        Scorer scorer = llm.scorer()) {
      scorer.feed(tokens(5));
      float[] first = scorer.logits();
      scorer.feed(tokens(9));
      scorer.reset();
      scorer.feed(tokens(5));
      assertThat(scorer.logits()).isEqualTo(first);
      first[0] = 99;
      assertThat(scorer.logits()[0]).isNotEqualTo(99);
    }
  }

  @Test
  void itReservesItsMemoryAndGivesItBack() {
    FakeModel model = new FakeModel(builder -> builder.kvMemory(100L * FakeEngine.BYTES_PER_TOKEN));
    try (E2llm llm = model.llm) {
      Scorer scorer = llm.scorer();
      assertThat(scorer.capacity()).isEqualTo(100);
      assertThat(llm.stats().kvReservedBytes()).isEqualTo(llm.stats().kvBudgetBytes());
      assertThatThrownBy(() -> llm.scorer(1)).isInstanceOf(CapacityException.class);
      scorer.feed(tokens(30));
      assertThatThrownBy(() -> scorer.feed(tokens(71)))
          .isInstanceOf(CapacityException.class)
          .hasMessageContaining("71 tokens at position 30");
      Generation waiting = llm.generate(FakeModel.request("x").build());
      assertThat(llm.stats().queued()).isEqualTo(1);
      scorer.close();
      assertThat(waiting.await().text()).isNotEmpty();
      assertThat(llm.stats().kvReservedBytes()).isZero();
      assertThat(llm.stats().kvAllocatedBytes()).isZero();
      assertThat(model.engine.openSessions()).isZero();
      assertThatThrownBy(() -> scorer.feed(tokens(1))).isInstanceOf(ClosedException.class);
    }
  }

  @Test
  void errorsAreTypedAndLeaveAFreshScorer() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm;
        Scorer scorer = llm.scorer()) {
      scorer.feed(tokens(5));
      assertThatThrownBy(() -> scorer.feed(new int[] {-1}))
          .isInstanceOf(InvalidRequestException.class);
      assertThat(scorer.position()).isEqualTo(5);
      assertThatThrownBy(() -> scorer.feed(new int[] {FakeTokenizer.NAN}))
          .isInstanceOf(NonFiniteLogitsException.class);
      assertThat(scorer.position()).isZero();
      model.engine.before =
          batch -> {
            model.engine.before = next -> {};
            throw new IllegalStateException("boom");
          };
      assertThatThrownBy(() -> scorer.feed(tokens(5))).isInstanceOf(StageFailedException.class);
      scorer.feed(tokens(5));
      assertThat(scorer.position()).isEqualTo(5);
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> scorer.feed(tokens(5))).isInstanceOf(WaitInterruptedException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(scorer.position()).isEqualTo(5);
    }
  }

  @Test
  void generationsGoOnBetweenItsChunks() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm;
        Scorer scorer = llm.scorer(400)) {
      String alone = model.text(FakeModel.request("Once").build());
      Generation generation = llm.generate(FakeModel.request("Once").build());
      scorer.feed(tokens(300), 3);
      assertThat(generation.await().text()).isEqualTo(alone);
    }
  }
}

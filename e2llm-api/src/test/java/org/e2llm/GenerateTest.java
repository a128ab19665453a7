package org.e2llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.e2llm.testing.FakeEngine;
import org.e2llm.testing.FakeTokenizer;
import org.junit.jupiter.api.Test;

class GenerateTest {
  private static GenerationRequest.Builder greedy(String prompt) {
    return FakeModel.request(prompt).temperature(0);
  }

  @Test
  void theTokensTextsMakeTheResultsText() {
    try (E2llm llm = new FakeModel().llm) {
      Generation generation = llm.generate(FakeModel.request("Once").maxTokens(40).build());
      StringBuilder text = new StringBuilder();
      int position = 5;
      for (Token token : generation) {
        assertThat(token.position()).isEqualTo(position++);
        text.append(token.text());
      }
      GenerationResult result = generation.await();
      assertThat(text).hasToString(result.text()).isNotEmpty();
      assertThat(result.seed()).isEqualTo(7);
      assertThat(result.usage()).isEqualTo(new Usage(5, 0, position - 5));
      assertThat(result.finishReason()).isIn(FinishReason.LENGTH, FinishReason.STOP);
      assertThat(result.timings().prefillTokens()).isEqualTo(5);
      assertThat(result.timings().ttft()).isPositive();
    }
  }

  @Test
  void theSameSeedGivesTheSameTextAndNoneIsChosenAndReported() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm) {
      GenerationRequest unseeded = GenerationRequest.builder().prompt("Once").maxTokens(30).build();
      GenerationResult first = llm.generate(unseeded).await();
      GenerationResult second = llm.generate(unseeded).await();
      assertThat(first.seed()).isNotEqualTo(second.seed());
      assertThat(model.text(unseeded.toBuilder().seed(first.seed()).build()))
          .isEqualTo(first.text());
    }
  }

  @Test
  void allViewsGiveTheSameText() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm) {
      GenerationRequest request = FakeModel.request("Once").build();
      StringBuilder called = new StringBuilder();
      String text = llm.generate(request).onToken(t -> called.append(t.text())).await().text();
      StringBuilder pulled = new StringBuilder();
      llm.generate(request).forEach(t -> pulled.append(t.text()));
      assertThat(called).hasToString(text);
      assertThat(pulled).hasToString(text);
    }
  }

  @Test
  void generationEndsWithTheModelsEndTokenWhichIsNotText() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm) {
      Generation generation =
          llm.generate(
              greedy("Once")
                  .logitsProcessor(
                      (tokens, logits) -> {
                        if (tokens.size() == 8) {
                          logits[FakeTokenizer.EOS] = 1e6f;
                        }
                      })
                  .build());
      List<Integer> ids = new ArrayList<>();
      generation.forEach(token -> ids.add(token.id()));
      GenerationResult result = generation.await();
      assertThat(ids).hasSize(4).endsWith(FakeTokenizer.EOS);
      assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
      assertThat(result.text()).doesNotContain("</s>");
    }
  }

  @Test
  void aStopSequenceEndsTheTextBeforeItWhereverTokensAreCut() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm) {
      String whole = model.text(greedy("A tale").maxTokens(200).build());
      for (int length = 1; length <= 6; length++) {
        String stop = whole.substring(20, 20 + length);
        Generation generation = llm.generate(greedy("A tale").maxTokens(200).stop(stop).build());
        StringBuilder streamed = new StringBuilder();
        generation.forEach(token -> streamed.append(token.text()));
        GenerationResult result = generation.await();
        assertThat(result.finishReason()).isEqualTo(FinishReason.STOP_SEQUENCE);
        assertThat(result.stopSequence()).isEqualTo(stop);
        assertThat(result.text()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(streamed).hasToString(result.text());
      }
    }
  }

  @Test
  void aCharacterOverSeveralTokensComesWhole() {
    try (E2llm llm = new FakeModel().llm) {
      byte[] smile = "😀".getBytes(StandardCharsets.UTF_8);
      LogitsProcessor smiling =
          (tokens, logits) -> logits[smile[(tokens.size() - 2) % 4] & 0xFF] = 1e6f;
      GenerationRequest.Builder request = greedy("a").logitsProcessor(smiling);
      List<String> texts = new ArrayList<>();
      llm.generate(request.maxTokens(6).build()).forEach(token -> texts.add(token.text()));
      assertThat(texts).containsExactly("", "", "", "😀", "", "\uFFFD");
    }
  }

  @Test
  void promptsAreParsedOnlyWhereTheySayThatTheyAre() {
    FakeModel model = new FakeModel();
    model.engine.keepBatches = true;
    try (E2llm llm = model.llm) {
      llm.generate(FakeModel.request("a</s>").maxTokens(1).build()).await();
      llm.generate(FakeModel.request("").promptText("a</s>").maxTokens(1).build()).await();
      llm.generate(FakeModel.request("").promptTokens('a', 'b').maxTokens(1).build()).await();
      llm.generate(FakeModel.request("").messages(Message.user("</s>")).maxTokens(1).build())
          .await();
      assertThat(model.engine.batches.get(0).tokens())
          .startsWith(FakeTokenizer.BOS, 'a', FakeTokenizer.EOS);
      assertThat(model.engine.batches.get(1).tokens())
          .startsWith(FakeTokenizer.BOS, 'a', '<', '/', 's', '>');
      assertThat(model.engine.batches.get(2).tokens()).startsWith('a', 'b');
      assertThat(model.engine.batches.get(3).tokens())
          .startsWith(
              FakeTokenizer.BOS, FakeTokenizer.TURN, 'u', 's', 'e', 'r', ':', '<', '/', 's', '>');
    }
  }

  @Test
  void maxTokensIsCappedByTheContextThatIsLeft() {
    try (E2llm llm = new FakeModel(builder -> builder.context(20)).llm) {
      LogitsProcessor endless = (tokens, logits) -> logits[FakeTokenizer.EOS] = -1e6f;
      GenerationResult result =
          llm.generate(GenerationRequest.builder().prompt("Once").logitsProcessor(endless).build())
              .await();
      assertThat(result.finishReason()).isEqualTo(FinishReason.LENGTH);
      assertThat(result.usage().outputTokens()).isEqualTo(15);
    }
  }

  @Test
  void requestsThatCannotBeServedAreRefusedAtOnce() {
    FakeModel model =
        new FakeModel(
            builder -> builder.context(100).kvMemory(50L * FakeEngine.BYTES_PER_TOKEN + 1));
    try (E2llm llm = model.llm) {
      assertThatThrownBy(() -> llm.generate(FakeModel.request("x".repeat(99)).build()))
          .isInstanceOf(CapacityException.class)
          .hasMessageContaining("100 tokens")
          .hasMessageContaining("context");
      assertThatThrownBy(() -> llm.generate(FakeModel.request("x").maxTokens(49).build()))
          .isInstanceOf(CapacityException.class)
          .hasMessageContaining("holds 50 tokens");
      assertThat(llm.generate(FakeModel.request("x").maxTokens(48).build()).await()).isNotNull();
      assertThatThrownBy(() -> llm.generate(FakeModel.request("").promptTokens(1, 9999).build()))
          .isInstanceOf(InvalidRequestException.class)
          .hasMessageContaining("9999")
          .hasMessageContaining("position 1");
      assertThatThrownBy(() -> llm.generate(FakeModel.request("").promptTokens().build()))
          .isInstanceOf(InvalidRequestException.class)
          .hasMessageContaining("no token");
      assertThatThrownBy(() -> llm.generate(FakeModel.request("x").logitBias(9999, 1).build()))
          .isInstanceOf(InvalidRequestException.class)
          .hasMessageContaining("logitBias");
      assertThat(model.text(FakeModel.request("").maxTokens(2).build())).isNotNull();
      assertThat(llm.stats().kvReservedBytes()).isZero();
    }
  }

  @Test
  void requestsThatContradictThemselvesAreNotBuilt() {
    GenerationRequest.Builder builder = GenerationRequest.builder();
    assertThatThrownBy(builder::build).hasMessageContaining("no prompt");
    assertThatThrownBy(() -> FakeModel.request("x").maxTokens(0).build())
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("maxTokens");
    assertThatThrownBy(() -> FakeModel.request("x").temperature(-1).build())
        .hasMessageContaining("temperature");
    assertThatThrownBy(() -> FakeModel.request("x").stop("").build())
        .hasMessageContaining("stop sequence");
    assertThatThrownBy(() -> FakeModel.request("x").deadline(Duration.ZERO).build())
        .hasMessageContaining("deadline");
    assertThatThrownBy(() -> FakeModel.request("x").logprobs(101).build())
        .hasMessageContaining("logprobs");
  }

  @Test
  void logprobsComeWithTheTokens() {
    try (E2llm llm = new FakeModel().llm) {
      for (Token token : llm.generate(greedy("Once").logprobs(3).build())) {
        assertThat(token.top()).hasSize(3);
        assertThat(token.top().get(0)).isEqualTo(new TokenLogprob(token.id(), token.logprob()));
        assertThat(token.logprob()).isNegative();
      }
    }
  }

  @Test
  void prefillReportsItsProgressOnTheDeliveryThreadBeforeAnyToken() {
    try (E2llm llm = new FakeModel().llm) {
      List<String> events = Collections.synchronizedList(new ArrayList<>());
      llm.generate(
              FakeModel.request("x".repeat(39))
                  .maxTokens(1)
                  .onPrefill(
                      progress ->
                          events.add(
                              Thread.currentThread().getName()
                                  + " "
                                  + progress.done()
                                  + "/"
                                  + progress.total()))
                  .build())
          .onToken(token -> events.add("token"))
          .await();
      assertThat(events)
          .containsExactly(
              "e2llm-delivery 16/40", "e2llm-delivery 32/40", "e2llm-delivery 40/40", "token");
    }
  }

  @Test
  void aLogitsProcessorRunsWhereSamplingRunsAndItsErrorIsItsOwn() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm) {
      List<String> threads = Collections.synchronizedList(new ArrayList<>());
      Generation failing =
          llm.generate(
              FakeModel.request("Once")
                  .logitsProcessor(
                      (tokens, logits) -> {
                        threads.add(Thread.currentThread().getName());
                        if (tokens.size() == 7) {
                          throw new IllegalStateException("mine");
                        }
                      })
                  .build());
      assertThatThrownBy(failing::await)
          .isInstanceOfSatisfying(
              CallbackException.class, e -> assertThat(e.textSoFar()).isNotEmpty())
          .hasRootCauseMessage("mine");
      assertThat(threads).containsOnly("e2llm-serving");
      assertThat(model.text(FakeModel.request("Once").build())).isNotEmpty();
    }
  }

  @Test
  void logitsThatAreNotFiniteEndOneGenerationAndTheLibraryGoesOn() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm) {
      Generation broken =
          llm.generate(
              FakeModel.request("Once")
                  .logitsProcessor(
                      (tokens, logits) -> {
                        if (tokens.size() == 8) {
                          // The model's own NaN follows this token.
                          logits[FakeTokenizer.NAN] = 1e6f;
                        }
                      })
                  .build());
      // A chain of one stage is the first and the last: it knows the token.
      assertThatThrownBy(broken::await)
          .isInstanceOfSatisfying(
              NonFiniteLogitsException.class, e -> assertThat(e.textSoFar()).isNotEmpty());
      assertThat(model.text(FakeModel.request("Once").build())).isNotEmpty();
      assertThat(llm.stats().kvReservedBytes()).isZero();
      assertThat(llm.stats().kvAllocatedBytes()).isZero();
    }
  }

  @Test
  void aMissingEngineIsNamed() {
    assertThatThrownBy(() -> E2llm.builder().model(java.nio.file.Paths.get("x.gguf")).open())
        .isInstanceOf(MissingModuleException.class)
        .hasMessageContaining("org.e2llm:e2llm-kernels");
    assertThatThrownBy(() -> E2llm.builder().open())
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("no model");
  }
}

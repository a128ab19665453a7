package org.e2llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.e2llm.testing.FakeEngine;
import org.e2llm.testing.FakeTokenizer;
import org.junit.jupiter.api.Test;

class ConversationTest {
  private static GenerationRequest turn(String text, long seed) {
    return GenerationRequest.builder()
        .messages(Message.user(text))
        .maxTokens(12)
        .seed(seed)
        .repeatPenalty(1.2f)
        .build();
  }

  @Property(tries = 30)
  void aConversationGivesTheTextsOfFreshGenerations(
      @ForAll @IntRange(min = 1, max = 5) int turns, @ForAll long seed) {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm;
        Conversation conversation = llm.conversation("Be brief.")) {
      List<Message> messages = new ArrayList<>();
      messages.add(Message.system("Be brief."));
      for (int i = 0; i < turns; i++) {
        GenerationResult kept = conversation.send(turn("question " + i, seed + i)).await();
        messages.add(Message.user("question " + i));
        GenerationRequest fresh = turn("", seed + i).toBuilder().messages(messages).build();
        GenerationResult whole = llm.generate(fresh).await();
        assertThat(kept.text()).isEqualTo(whole.text());
        assertThat(kept.usage().promptTokens()).isEqualTo(whole.usage().promptTokens());
        messages.add(Message.assistant(kept.text()));
        assertThat(conversation.messages()).isEqualTo(messages);
      }
    }
  }

  @Test
  void aTurnComputesOnlyWhatIsNew() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm;
        Conversation conversation = llm.conversation()) {
      GenerationResult first = conversation.send(turn("hello", 1)).await();
      assertThat(first.usage().cachedTokens()).isZero();
      int held = conversation.cachedTokens();
      assertThat(held).isGreaterThanOrEqualTo(first.usage().promptTokens());
      GenerationResult second = conversation.send(turn("and then?", 2)).await();
      assertThat(second.usage().cachedTokens())
          .isGreaterThanOrEqualTo(first.usage().promptTokens())
          .isLessThanOrEqualTo(held);
      assertThat(second.timings().prefillTokens())
          .isEqualTo(second.usage().promptTokens() - second.usage().cachedTokens());
    }
  }

  @Test
  void itsMemoryCountsAndIsFreedWithIt() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm) {
      Conversation conversation = llm.conversation();
      conversation.send(turn("hello", 1)).await();
      ServingStats stats = llm.stats();
      assertThat(stats.activeSessions()).isEqualTo(1);
      assertThat(stats.kvReservedBytes())
          .isEqualTo((long) conversation.cachedTokens() * FakeEngine.BYTES_PER_TOKEN);
      assertThat(stats.kvAllocatedBytes()).isPositive();
      conversation.close();
      // The next batch comes after the release.
      model.text(FakeModel.request("x").build());
      assertThat(llm.stats()).isEqualTo(new ServingStats(0, 0, stats.kvBudgetBytes(), 0, 0));
      assertThat(model.engine.openSessions()).isZero();
      assertThatThrownBy(() -> conversation.send("more")).isInstanceOf(ClosedException.class);
    }
  }

  @Test
  void whatItHoldsMakesRoomForOthersAndTheTextStaysTheSame() {
    FakeModel reference = new FakeModel();
    FakeModel model = new FakeModel(builder -> builder.kvMemory(100L * FakeEngine.BYTES_PER_TOKEN));
    try (E2llm llm = model.llm;
        E2llm whole = reference.llm;
        Conversation conversation = llm.conversation();
        Conversation undisturbed = whole.conversation()) {
      conversation.send(turn("hello", 1)).await();
      undisturbed.send(turn("hello", 1)).await();
      llm.generate(FakeModel.request("x".repeat(70)).maxTokens(25).build()).await();
      assertThat(conversation.cachedTokens()).isZero();
      GenerationResult second = conversation.send(turn("go on", 2)).await();
      assertThat(second.usage().cachedTokens()).isZero();
      assertThat(second.text()).isEqualTo(undisturbed.send(turn("go on", 2)).await().text());
    }
  }

  @Test
  void oneTurnAtATime() {
    FakeModel model = new FakeModel();
    FakeModel.Gate gate = model.gate();
    try (E2llm llm = model.llm;
        Conversation conversation = llm.conversation()) {
      Generation first = conversation.send(turn("hello", 1));
      gate.awaitEntered();
      assertThatThrownBy(() -> conversation.send("more"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("still runs");
      gate.open();
      first.await();
      assertThat(conversation.send(turn("more", 2)).await().text()).isNotEmpty();
    }
  }

  @Test
  void aCancelledTurnKeepsWhatWasSaid() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm;
        Conversation conversation = llm.conversation()) {
      LogitsProcessor endless = (tokens, logits) -> logits[FakeTokenizer.EOS] = -1e6f;
      GenerationRequest request =
          turn("hello", 1).toBuilder().maxTokens(400).logitsProcessor(endless).build();
      FakeModel.Gate gate = model.gateAfter(20); // else 400 tokens may be faster than a cancel
      Generation generation = conversation.send(request);
      generation.iterator().next();
      generation.cancel();
      gate.open();
      GenerationResult result = generation.await();
      assertThat(result.finishReason()).isEqualTo(FinishReason.CANCELLED);
      assertThat(conversation.messages())
          .containsExactly(Message.user("hello"), Message.assistant(result.text()));
      GenerationResult next = conversation.send(turn("more", 2)).await();
      assertThat(next.usage().cachedTokens()).isPositive();
    }
  }

  @Test
  void aFailedTurnLeavesTheConversationAsItWas() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm;
        Conversation conversation = llm.conversation()) {
      conversation.send(turn("hello", 1)).await();
      List<Message> before = conversation.messages();
      model.engine.before =
          batch -> {
            model.engine.before = next -> {};
            throw new IllegalStateException("boom");
          };
      assertThatThrownBy(() -> conversation.send(turn("more", 2)).await())
          .isInstanceOf(StageFailedException.class);
      assertThat(conversation.messages()).isEqualTo(before);
      assertThat(conversation.send(turn("more", 2)).await().usage().cachedTokens()).isZero();
      assertThatThrownBy(() -> conversation.send(FakeModel.request("raw").build()))
          .isInstanceOf(InvalidRequestException.class);
      assertThatThrownBy(() -> conversation.send("x".repeat(600)))
          .isInstanceOf(CapacityException.class);
      assertThat(conversation.messages()).hasSize(4);
    }
  }

  @Test
  void closingItCancelsItsTurn() {
    FakeModel model = new FakeModel();
    FakeModel.Gate gate = model.gate();
    try (E2llm llm = model.llm) {
      Conversation conversation = llm.conversation();
      Generation running = conversation.send(turn("hello", 1));
      gate.awaitEntered();
      conversation.close();
      gate.open();
      assertThat(running.await().finishReason()).isEqualTo(FinishReason.CANCELLED);
      model.text(FakeModel.request("x").build());
      assertThat(llm.stats().kvReservedBytes()).isZero();
      assertThat(model.engine.openSessions()).isZero();
    }
  }

  @Test
  void manyConversationsShareAMemoryThatHoldsFew() {
    FakeModel model = new FakeModel(builder -> builder.kvMemory(150L * FakeEngine.BYTES_PER_TOKEN));
    FakeModel reference = new FakeModel();
    try (E2llm llm = model.llm;
        E2llm whole = reference.llm) {
      List<Conversation> squeezed = new ArrayList<>();
      List<Conversation> free = new ArrayList<>();
      for (int c = 0; c < 8; c++) {
        squeezed.add(llm.conversation());
        free.add(whole.conversation());
      }
      for (int round = 0; round < 3; round++) {
        List<Generation> turns = new ArrayList<>();
        for (int c = 0; c < 8; c++) {
          turns.add(squeezed.get(c).send(turn("q" + c, c + round)));
        }
        for (int c = 0; c < 8; c++) {
          String expected = free.get(c).send(turn("q" + c, c + round)).await().text();
          assertThat(turns.get(c).await().text()).isEqualTo(expected);
        }
        assertThat(llm.stats().kvReservedBytes()).isLessThanOrEqualTo(llm.stats().kvBudgetBytes());
      }
      squeezed.forEach(Conversation::close);
      free.forEach(Conversation::close);
    }
  }
}

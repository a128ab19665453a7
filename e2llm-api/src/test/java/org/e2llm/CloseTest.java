package org.e2llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.e2llm.testing.FakeEngine;
import org.junit.jupiter.api.Test;

class CloseTest {
  @Test
  void closingCancelsWhatRunsAndWaitsThenReleasesTheEngine() throws Exception {
    FakeModel model = new FakeModel(builder -> builder.kvMemory(300L * FakeEngine.BYTES_PER_TOKEN));
    FakeModel.Gate gate = model.gate();
    List<Generation> generations = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      generations.add(model.llm.generate(FakeModel.request("a").maxTokens(60).build()));
    }
    gate.awaitEntered();
    Thread closer = new Thread(model.llm::close);
    closer.start();
    while (closer.getState() != Thread.State.WAITING) {
      Thread.onSpinWait(); // until it has asked to close, and waits for the batch in flight
    }
    // That batch still uses the weights.
    assertThat(model.engine.isClosed()).isFalse();
    gate.open();
    closer.join();
    assertThat(model.engine.isClosed()).isTrue();
    assertThat(model.engine.closedBy().getName()).isEqualTo("e2llm-serving");
    for (Generation generation : generations) {
      assertThat(generation.await().finishReason()).isIn(FinishReason.CANCELLED, FinishReason.STOP);
    }
    assertThat(model.llm.stats().kvReservedBytes()).isZero();
    assertThat(model.llm.stats().activeSessions()).isZero();
    assertThat(model.llm.stats().queued()).isZero();
  }

  @Test
  void whatWasGeneratedCanStillBeReadAfterClosing() {
    FakeModel model = new FakeModel();
    Generation pulled = model.llm.generate(FakeModel.request("Once").build());
    Generation called = model.llm.generate(FakeModel.request("Once").build());
    String text = pulled.await().text();
    called.await();
    model.llm.close();
    StringBuilder read = new StringBuilder();
    pulled.forEach(token -> read.append(token.text()));
    assertThat(read).hasToString(text);
    StringBuilder delivered = new StringBuilder();
    called.onToken(token -> delivered.append(token.text())).await();
    assertThat(delivered).hasToString(text);
  }

  @Test
  void everythingMayBeClosedAndCancelledTwice() {
    FakeModel model = new FakeModel();
    Generation generation = model.llm.generate(FakeModel.request("Once").build());
    Conversation conversation = model.llm.conversation();
    Scorer scorer = model.llm.scorer();
    generation.cancel();
    generation.close();
    conversation.close();
    conversation.close();
    scorer.close();
    scorer.close();
    model.llm.close();
    model.llm.close();
    generation.cancel();
    conversation.close();
    scorer.close();
    assertThat(generation.isDone()).isTrue();
  }

  @Test
  void useAfterCloseSaysSo() {
    FakeModel model = new FakeModel();
    Conversation conversation = model.llm.conversation();
    Scorer scorer = model.llm.scorer();
    model.llm.close();
    E2llm llm = model.llm;
    for (Runnable use :
        List.<Runnable>of(
            () -> llm.generate(FakeModel.request("x").build()),
            llm::conversation,
            llm::scorer,
            llm::tokenizer,
            llm::chatTemplate,
            () -> conversation.send("x"),
            () -> scorer.feed(new int[] {1}))) {
      assertThatThrownBy(use::run).isInstanceOf(ClosedException.class);
    }
    assertThat(llm.modelSpec().name()).isEqualTo("fake");
    assertThat(conversation.messages()).isEmpty();
  }

  @Test
  void closingFromACallbackDoesNotWaitForItself() throws Exception {
    FakeModel model = new FakeModel();
    CountDownLatch closed = new CountDownLatch(1);
    model
        .llm
        .generate(FakeModel.request("Once").build())
        .onToken(
            token -> {
              model.llm.close();
              closed.countDown();
            });
    assertThat(closed.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(model.engine.isClosed()).isTrue();
  }

  @Test
  void closingFromALogitsProcessorDoesNotWaitForItself() {
    FakeModel model = new FakeModel();
    Generation generation =
        model.llm.generate(
            FakeModel.request("Once")
                .logitsProcessor((tokens, logits) -> model.llm.close())
                .build());
    assertThat(generation.await().finishReason()).isEqualTo(FinishReason.CANCELLED);
    model.llm.close();
    assertThat(model.engine.isClosed()).isTrue();
  }

  @Test
  void anInterruptEndsTheWaitingNotTheClosing() throws Exception {
    FakeModel model = new FakeModel();
    FakeModel.Gate gate = model.gate();
    model.llm.generate(FakeModel.request("Once").build());
    gate.awaitEntered();
    Thread.currentThread().interrupt();
    model.llm.close();
    assertThat(Thread.interrupted()).isTrue();
    gate.open();
    model.llm.close();
    assertThat(model.engine.isClosed()).isTrue();
  }

  @Test
  void noThreadKeepsAJvmAlive() {
    FakeModel model = new FakeModel();
    try (E2llm llm = model.llm) {
      llm.generate(FakeModel.request("Once").build()).onToken(token -> {}).await();
      assertThat(Thread.getAllStackTraces().keySet())
          .filteredOn(thread -> thread.getName().startsWith("e2llm-"))
          .hasSizeGreaterThanOrEqualTo(2)
          .allMatch(Thread::isDaemon);
    }
  }
}

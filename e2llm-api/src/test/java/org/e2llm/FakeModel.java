package org.e2llm;

import java.nio.file.Paths;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.e2llm.pipeline.Batch;
import org.e2llm.testing.FakeEngine;

/** Opens the hash model, with a gate that can hold the serving thread inside a batch. */
final class FakeModel {
  final FakeEngine engine = new FakeEngine();
  final E2llm llm;

  FakeModel() {
    this(builder -> builder);
  }

  FakeModel(UnaryOperator<E2llm.Builder> options) {
    llm =
        options
            .apply(E2llm.builder().model(Paths.get("fake.gguf")).provider(engine).batch(16))
            .open();
  }

  static GenerationRequest.Builder request(String prompt) {
    return GenerationRequest.builder().prompt(prompt).maxTokens(24).seed(7);
  }

  String text(GenerationRequest request) {
    return llm.generate(request).await().text();
  }

  /** Holds the serving thread in the next batch until the gate is opened. */
  Gate gate() {
    return gateAfter(0);
  }

  /** Likewise, but lets some batches pass first. */
  Gate gateAfter(int passing) {
    Gate gate = new Gate();
    AtomicInteger left = new AtomicInteger(passing);
    engine.before =
        batch -> {
          if (left.getAndDecrement() <= 0) {
            gate.entered.countDown();
            gate.await(gate.opened);
          }
        };
    return gate;
  }

  final class Gate {
    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch opened = new CountDownLatch(1);

    void awaitEntered() {
      await(entered);
    }

    void open() {
      open(batch -> {});
    }

    /** Opens; the batches after the one that was held meet {@code next}. */
    void open(Consumer<Batch> next) {
      engine.before = next;
      opened.countDown();
    }

    private void await(CountDownLatch latch) {
      try {
        if (!latch.await(60, TimeUnit.SECONDS)) {
          throw new AssertionError("nothing happened for a minute");
        }
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }
}

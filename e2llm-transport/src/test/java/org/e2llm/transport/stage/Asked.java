package org.e2llm.transport.stage;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.e2llm.E2llmException;
import org.e2llm.FinishReason;
import org.e2llm.Generation;
import org.e2llm.GenerationResult;
import org.e2llm.Token;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.LocalReplica;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.plan.Slo;
import org.e2llm.serving.GenerationService;
import org.e2llm.serving.HostLimits;
import org.e2llm.serving.KvHold;
import org.e2llm.serving.ServingLoop;
import org.e2llm.serving.Submission;
import org.e2llm.testing.FakeEngine;
import org.e2llm.testing.FakeStage;
import org.e2llm.testing.FakeTokenizer;
import org.e2llm.text.SamplingParams;
import org.jspecify.annotations.Nullable;

/** A request, and what became of it. */
record Asked(int[] prompt, int maxTokens, SamplingParams params, List<String> stop) {
  private static final SamplingParams PENALTIES =
      new SamplingParams(0.9f, 30, 0.9f, 0.01f, 1.1f, 0.2f, 0.1f, Map.of(5, 1.5f), 7, 3);

  /** Everything of an answer that must not depend on where it was computed. */
  record Answer(String text, FinishReason reason, @Nullable String stop, List<Token> tokens) {}

  static Asked of(int promptLength, int maxTokens, SamplingParams params) {
    int[] prompt = new int[promptLength];
    for (int i = 0; i < promptLength; i++) {
      prompt[i] = (i * 31 + promptLength) % 256;
    }
    return new Asked(prompt, maxTokens, params, List.of());
  }

  Asked stoppingAt(String... stops) {
    return new Asked(prompt, maxTokens, params, List.of(stops));
  }

  /** Of any kind: short and long prompts, greedy and sampled, with and without stop sequences. */
  static Asked any(Random random) {
    int length = random.nextInt(4) == 0 ? 1 + random.nextInt(200) : 1 + random.nextInt(20);
    SamplingParams params =
        switch (random.nextInt(3)) {
          case 0 -> SamplingParams.GREEDY;
          case 1 -> SamplingParams.DEFAULT.withSeed(random.nextLong());
          default -> PENALTIES.withSeed(random.nextLong());
        };
    // Beyond what a host samples ahead of its caller, and not.
    Asked asked = of(length, 1 + random.nextInt(random.nextBoolean() ? 40 : 120), params);
    return random.nextInt(3) == 0 ? asked.stoppingAt("e", "zz") : asked;
  }

  Submission submission(@Nullable Duration deadline, @Nullable KvHold hold) {
    return new Submission(
        prompt,
        maxTokens,
        new SamplingSpec(params, null),
        stop,
        deadline,
        null,
        hold,
        null,
        null,
        Duration.ZERO);
  }

  Generation on(GenerationService service) {
    return service.submit(submission(null, null));
  }

  static Answer answer(Generation generation) {
    List<Token> tokens = new ArrayList<>();
    for (Token token : generation) {
      tokens.add(token);
    }
    GenerationResult result = generation.await();
    return new Answer(result.text(), result.finishReason(), result.stopSequence(), tokens);
  }

  /** The answer, or the error with the text so far. */
  static Object outcome(Generation generation) {
    try {
      return answer(generation);
    } catch (E2llmException e) {
      return e;
    }
  }

  /** What one device that has the whole model answers. */
  Answer alone() {
    try (ServingLoop loop = loopAlone()) {
      return answer(on(loop));
    }
  }

  static List<Answer> alone(List<Asked> all) {
    try (ServingLoop loop = loopAlone()) {
      List<Answer> answers = new ArrayList<>();
      for (Asked asked : all) {
        answers.add(answer(asked.on(loop)));
      }
      return answers;
    }
  }

  private static ServingLoop loopAlone() {
    FakeStage whole =
        new FakeStage(
            LayerRange.of(0, MemoryPeers.LAYERS), MemoryPeers.LAYERS, MemoryPeers.ROWS, b -> {});
    return new ServingLoop(
        new LocalReplica(whole, FakeTokenizer.VOCABULARY),
        FakeEngine.spec(MemoryPeers.CONTEXT),
        new FakeTokenizer(),
        new HostLimits(
            64L << 20,
            MemoryPeers.LAYERS * FakeStage.BYTES_PER_POSITION,
            MemoryPeers.CONTEXT,
            1000,
            Slo.NONE),
        () -> {});
  }
}

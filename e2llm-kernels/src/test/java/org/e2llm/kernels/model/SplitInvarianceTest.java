package org.e2llm.kernels.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.KernelsLookup;
import org.e2llm.kernels.math.ScalarKernels;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch.Logits;
import org.e2llm.pipeline.Batch.Slice;
import org.e2llm.pipeline.KvBlock;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.pipeline.StageSession;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * However a computation is cut, every logit has the same bits.
 *
 * <p>The prompt is longer than two pages of the KV cache and than the sliding window of the Gemma
 * model, and no multiple of anything.
 */
class SplitInvarianceTest {
  private static final int CONTEXT = 256;
  private static final int[] PROMPT = tokens(1, 150);

  /** The models to cut: one committed, the others where the shared folder is. */
  static Stream<String> models() {
    return Stream.of(
        "stories260K-Q8_0",
        "tiny-llama3-F16",
        "tiny-qwen2-F16",
        "tiny-qwen3-F16",
        "tiny-gemma3-F16",
        "tiny-phi3-F16");
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyCutIntoTwoAndThreeStagesGivesTheSameBits(String name) {
    float[] whole = reference(name);
    int layers = layerCount(name);
    for (int first = 1; first < layers; first++) {
      assertBits(name, whole, CONTEXT, 2, KvType.F16, 64, first);
      for (int second = first + 1; second < layers; second++) {
        assertBits(name, whole, CONTEXT, 2, KvType.F16, 150, first, second);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyChunkSizeGivesTheSameBits(String name) {
    float[] whole = reference(name);
    for (int chunk : new int[] {1, 7, 64}) {
      assertBits(name, whole, CONTEXT, 2, KvType.F16, chunk);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyNumberOfThreadsGivesTheSameBits(String name) {
    float[] whole = reference(name);
    for (int threads : new int[] {1, 2, 3}) {
      assertBits(name, whole, CONTEXT, threads, KvType.F16, 32);
    }
  }

  @Test
  void everyKvTypeIsInvariantToChunks() {
    for (KvType type : KvType.values()) {
      String name = type == KvType.Q8_0 ? "tiny-qwen3-F16" : "stories260K-F32";
      try (Chain chain = chain(name, kernels(), 1, CONTEXT, type);
          Chain.Session one = chain.open(1);
          Chain.Session other = chain.open(2)) {
        float[] whole = one.logitsOf(PROMPT, PROMPT.length);
        assertThat(other.logitsOf(PROMPT, 7)).as("KV %s", type).isEqualTo(whole);
      }
    }
  }

  @Test
  void scalarKernelsGiveTheSameBits() {
    float[] whole = reference("stories260K-Q8_0");
    try (Chain chain = chain("stories260K-Q8_0", new ScalarKernels(), 2, CONTEXT, KvType.F16, 2);
        Chain.Session session = chain.open(1)) {
      assertThat(session.logitsOf(PROMPT, 64)).isEqualTo(whole);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void aSessionIsTheSameAloneAndBatchedWithOthers(String name) {
    int[] second = tokens(2, 97);
    int[] third = tokens(3, 5);
    try (Chain chain = chain(name, kernels(), 2, CONTEXT, KvType.F16)) {
      List<float[]> alone = new ArrayList<>();
      for (int[] tokens : List.of(PROMPT, second, third)) {
        try (Chain.Session session = chain.open(9)) {
          alone.add(session.logitsOf(tokens, tokens.length));
        }
      }
      try (Chain.Session a = chain.open(1);
          Chain.Session b = chain.open(2);
          Chain.Session c = chain.open(3)) {
        b.logitsOf(Arrays.copyOf(second, 60), 60);
        List<Slice> slices =
            List.of(
                new Slice(1, 0, 0, PROMPT.length, Logits.ALL),
                new Slice(2, 0, 60, 37, Logits.ALL),
                new Slice(3, 0, 0, 5, Logits.LAST));
        int[] rows = concat(PROMPT, Arrays.copyOfRange(second, 60, 97), third);
        StageOutput output = chain.forward(slices, rows);
        int width = chain.vocabulary();
        assertThat(rows(output, 0, 150)).isEqualTo(alone.get(0));
        assertThat(rows(output, 150, 187))
            .isEqualTo(Arrays.copyOfRange(alone.get(1), 60 * width, 97 * width));
        assertThat(rows(output, 187, 188))
            .isEqualTo(Arrays.copyOfRange(alone.get(2), 4 * width, 5 * width));
        assertThat(a.length() + b.length() + c.length()).isEqualTo(150 + 97 + 5);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void kvThatMovesToStagesCutElsewhereGivesTheSameBits(String name) {
    float[] whole = reference(name);
    int layers = layerCount(name);
    try (Chain from = chain(name, kernels(), 2, CONTEXT, KvType.F16, 1);
        Chain to = chain(name, kernels(), 1, CONTEXT, KvType.F16, layers / 2, layers - 1);
        Chain.Session source = from.open(1);
        Chain.Session target = to.open(5)) {
      source.feed(Arrays.copyOf(PROMPT, 80), 33);
      for (int layer = 0; layer < layers; layer++) { // a layer at a time, in two pieces
        LayerRange one = LayerRange.of(layer, layer + 1);
        for (int[] piece : new int[][] {{0, 50}, {50, 80}}) {
          KvBlock block = holder(from, source, layer).exportKv(one, piece[0], piece[1]);
          holder(to, target, layer).importKv(block);
        }
      }
      assertThat(target.length()).isEqualTo(80);
      int width = to.vocabulary();
      assertThat(target.logitsOf(Arrays.copyOfRange(PROMPT, 80, 150), 70))
          .isEqualTo(Arrays.copyOfRange(whole, 80 * width, 150 * width));
    }
  }

  @Test
  void kvOfEveryTypeComesBackByteForByte() {
    for (KvType type : KvType.values()) {
      String name = type == KvType.Q8_0 ? "tiny-qwen3-F16" : "stories260K-F32";
      try (Chain chain = chain(name, kernels(), 1, CONTEXT, type);
          Chain.Session source = chain.open(1);
          Chain.Session target = chain.open(2)) {
        source.feed(PROMPT, 64);
        LayerRange all = chain.stages.get(0).layers();
        KvBlock block = source.parts.get(0).exportKv(all, 0, 150);
        target.parts.get(0).importKv(block);
        assertThat(target.parts.get(0).exportKv(all, 0, 150)).isEqualTo(block);
        assertThat((long) block.data().remaining())
            .isEqualTo(
                150L
                    * all.size()
                    * (type.bytes(chain.model.config().heads().keyWidth())
                        + type.bytes(chain.model.config().heads().valueWidth())));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void goingOnAfterTruncationEqualsAFreshSession(String name) {
    float[] whole = reference(name);
    try (Chain chain = chain(name, kernels(), 2, CONTEXT, KvType.F16, 2);
        Chain.Session session = chain.open(1)) {
      session.feed(concat(Arrays.copyOf(PROMPT, 70), tokens(4, 90)), 64);
      session.parts.forEach(part -> part.truncate(70));
      int width = chain.vocabulary();
      assertThat(session.logitsOf(Arrays.copyOfRange(PROMPT, 70, 150), 13))
          .isEqualTo(Arrays.copyOfRange(whole, 70 * width, 150 * width));
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void decodingStepByStepEqualsOnePrompt(String name) {
    try (Chain chain = chain(name, kernels(), 2, CONTEXT, KvType.F16);
        Chain.Session stepwise = chain.open(1);
        Chain.Session atOnce = chain.open(2)) {
      List<Integer> text = new ArrayList<>();
      StageOutput output = stepwise.feed(Arrays.copyOf(PROMPT, 60), 60);
      float[] last = new float[0];
      for (int step = 0; step < 20; step++) {
        text.add(Chain.argmax(output, 0));
        output = stepwise.feed(new int[] {text.get(step)}, 1);
        last = rows(output, 0, 1);
      }
      int[] generated = text.stream().mapToInt(Integer::intValue).toArray();
      StageOutput whole = atOnce.feed(concat(Arrays.copyOf(PROMPT, 60), generated), 80);
      assertThat(last).isEqualTo(rows(whole, 0, 1));
    }
  }

  private static void assertBits(
      String name, float[] whole, int context, int threads, KvType type, int chunk, int... cuts) {
    try (Chain chain = chain(name, kernels(), threads, context, type, cuts);
        Chain.Session session = chain.open(1)) {
      assertThat(session.logitsOf(PROMPT, chunk))
          .as(
              "%s, %d threads, chunks of %d, cut at %s",
              name, threads, chunk, Arrays.toString(cuts))
          .isEqualTo(whole);
    }
  }

  /** One stage, one thread, the prompt in one piece. */
  private static float[] reference(String name) {
    try (Chain chain = chain(name, kernels(), 1, CONTEXT, KvType.F16);
        Chain.Session session = chain.open(1)) {
      return session.logitsOf(PROMPT, PROMPT.length);
    }
  }

  private static int layerCount(String name) {
    try (Chain chain = chain(name, kernels(), 1, CONTEXT, KvType.F16)) {
      return chain.layerCount();
    }
  }

  private static Chain chain(
      String name, Kernels kernels, int threads, int context, KvType type, int... cuts) {
    Path model =
        name.startsWith("stories")
            ? Golden.resource(name + ".gguf")
            : Shared.require("models/" + name + ".gguf");
    return new Chain(model, kernels, threads, context, type, cuts);
  }

  private static Kernels kernels() {
    return KernelsLookup.kernels();
  }

  private static StageSession holder(Chain chain, Chain.Session session, int layer) {
    for (int i = 0; i < chain.stages.size(); i++) {
      if (chain.stages.get(i).layers().contains(layer)) {
        return session.parts.get(i);
      }
    }
    throw new IllegalArgumentException("layer " + layer);
  }

  private static float[] rows(StageOutput output, int from, int to) {
    return Arrays.copyOfRange(output.data(), from * output.width(), to * output.width());
  }

  /** Begin-of-sequence and random tokens of a vocabulary of 512. */
  private static int[] tokens(long seed, int count) {
    int[] tokens = new SplittableRandom(seed).ints(count, 3, 512).toArray();
    tokens[0] = 1;
    return tokens;
  }

  private static int[] concat(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }
}

package org.e2llm.kernels.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.KernelsLookup;
import org.e2llm.kernels.math.ScalarKernels;
import org.e2llm.kernels.tokenizer.Tokenizers;
import org.e2llm.model.KvType;
import org.e2llm.model.ModelSource;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.testing.Shared;
import org.e2llm.text.Tokenizer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The reference engine's logits, greedy texts and prompt tokens, for every file there are values
 * of.
 *
 * <p>Everything runs on the machine's fastest kernels; scalar kernels take the shorter prompts of
 * the small files (kernel tests prove both equal bit for bit).
 */
class GoldenTest {
  private static final int THREADS = 2;

  /** Longest prompt, and most greedy tokens, that scalar kernels compute here. */
  private static final int SCALAR_TOKENS = 48;

  private static final List<String> COMMITTED =
      List.of("stories260K-F32", "stories260K-F16", "stories260K-Q8_0", "stories260K-Q4_0");

  private static final List<String> SHARED =
      List.of(
          "tiny-llama3-F16",
          "tiny-qwen2-F16",
          "tiny-qwen3-F16",
          "tiny-gemma3-F16",
          "tiny-phi3-F16",
          "tiny-formats-F32",
          "tiny-formats-F16",
          "tiny-formats-BF16",
          "tiny-formats-Q8_0",
          "tiny-formats-Q4_0",
          "tiny-formats-Q4_1",
          "tiny-formats-Q5_0",
          "tiny-formats-Q5_1",
          "tiny-formats-Q2_K",
          "tiny-formats-Q3_K_S",
          "tiny-formats-Q4_K_S",
          "tiny-formats-Q5_K_S",
          "tiny-formats-Q6_K",
          "tiny-formats-IQ4_NL",
          "tiny-formats-IQ4_XS");

  @TestFactory
  Stream<DynamicTest> agreesWithTheReferenceEngine() {
    List<DynamicTest> tests = new ArrayList<>();
    for (String name : COMMITTED) {
      addTests(tests, name, () -> Golden.committed(name));
    }
    for (String name : SHARED) {
      addTests(tests, name, () -> Golden.shared(name));
    }
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> agreesWithTheReferenceEngineOnLargerModels() {
    String smol = "SmolLM2-135M-Instruct-Q4_1";
    String gemma = "gemma-3-270m-Q4_K_M";
    Kernels fast = KernelsLookup.kernels();
    return Stream.of(
        dynamicTest(smol, () -> checkAll(Golden.shared(smol), fast, KvType.F32, 0.0005)),
        dynamicTest(smol + ", Q8_0 KV", () -> checkTop(Golden.shared(smol), KvType.Q8_0, 0.15)),
        dynamicTest(smol + ", F16 KV", () -> checkTop(Golden.shared(smol), KvType.F16, 0.01)),
        dynamicTest(
            gemma, () -> checkAll(Golden.of(gemma, Shared.gemma()), fast, KvType.F32, 0.0005)));
  }

  @TestFactory
  Stream<DynamicTest> tokenizesPromptsAsTheReferenceEngine() {
    return Stream.concat(COMMITTED.stream(), Stream.of("SmolLM2-135M-Instruct-Q4_1"))
        .map(
            name ->
                dynamicTest(
                    name,
                    () ->
                        checkTokens(
                            COMMITTED.contains(name)
                                ? Golden.committed(name)
                                : Golden.shared(name))));
  }

  private interface Source {
    Golden get();
  }

  private static void addTests(List<DynamicTest> tests, String name, Source source) {
    Kernels fast = KernelsLookup.kernels();
    tests.add(dynamicTest(name, () -> checkAll(source.get(), fast, KvType.F32, 0.0005)));
    tests.add(dynamicTest(name + ", F16 KV", () -> checkTop(source.get(), KvType.F16, 0.01)));
    tests.add(dynamicTest(name + ", Q8_0 KV", () -> checkTop(source.get(), KvType.Q8_0, 0.15)));
    if (!fast.name().equals("scalar")) {
      tests.add(dynamicTest(name + ", scalar", () -> checkScalar(source.get())));
    }
  }

  /** Logits and the whole greedy text of every case. */
  private static void checkAll(Golden golden, Kernels kernels, KvType kvType, double tolerance) {
    for (Golden.Case wanted : golden.cases()) {
      check(golden, wanted, kernels, kvType, tolerance, Integer.MAX_VALUE);
    }
  }

  private static void checkScalar(Golden golden) {
    for (Golden.Case wanted : golden.cases()) {
      if (wanted.promptTokens().length <= SCALAR_TOKENS) {
        check(golden, wanted, new ScalarKernels(), KvType.F32, 0.0005, SCALAR_TOKENS);
      }
    }
  }

  /** Logits of every case, and some greedy tokens. */
  private static void checkTop(Golden golden, KvType kvType, double tolerance) {
    for (Golden.Case wanted : golden.cases()) {
      check(golden, wanted, KernelsLookup.kernels(), kvType, tolerance, 8);
    }
  }

  private static void check(
      Golden golden,
      Golden.Case wanted,
      Kernels kernels,
      KvType kvType,
      double tolerance,
      int mostTokens) {
    double allowed = tolerance * wanted.deviation();
    try (GgufFile file = GgufFile.open(ModelSource.of(golden.model()))) {
      if (!kvType.fits(Model.of(file, wanted.context()).config().heads().keyLength())) {
        abort("heads of " + golden + " cannot be stored in " + kvType);
      }
    }
    try (Chain chain = new Chain(golden.model(), kernels, THREADS, wanted.context(), kvType);
        Chain.Session session = chain.open(1)) {
      StageOutput output = session.feed(wanted.promptTokens(), 100);
      for (int i = 0; i < wanted.topIds().length; i++) {
        assertThat((double) output.data()[wanted.topIds()[i]])
            .as("%s: logit of token %d", wanted, wanted.topIds()[i])
            .isCloseTo(wanted.topValues()[i], offset(allowed + 1e-5));
      }
      int steps = Math.min(mostTokens, wanted.greedyTokens().length);
      for (int step = 0; step < steps; step++) {
        if (wanted.margins()[step] < allowed) {
          return; // two right engines may part here
        }
        int token = Chain.argmax(output, 0);
        assertThat(token).as("%s: step %d", wanted, step).isEqualTo(wanted.greedyTokens()[step]);
        if (step + 1 < steps) {
          output = session.feed(new int[] {token}, 1);
        }
      }
    }
  }

  private static void checkTokens(Golden golden) {
    try (GgufFile file = GgufFile.open(ModelSource.of(golden.model()))) {
      Tokenizer tokenizer = Tokenizers.of(file.metadata());
      for (Golden.Case wanted : golden.cases()) {
        assertThat(tokenizer.encode(wanted.prompt(), true, true))
            .as(wanted.name())
            .isEqualTo(wanted.promptTokens());
      }
    }
  }
}

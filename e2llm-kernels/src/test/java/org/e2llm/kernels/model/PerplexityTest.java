package org.e2llm.kernels.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.kernels.math.KernelsLookup;
import org.e2llm.kernels.tokenizer.Tokenizers;
import org.e2llm.model.KvType;
import org.e2llm.model.ModelSource;
import org.e2llm.pipeline.Batch.Logits;
import org.e2llm.pipeline.Batch.Slice;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.testing.Shared;
import org.e2llm.text.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Perplexity of Newton's Opticks within 0.1 % of the reference engine's.
 *
 * <p>The larger models take minutes and run where the environment says {@code
 * E2LLM_SLOW_TESTS=true}.
 */
class PerplexityTest {
  private static final int CHUNK = 64;

  @ParameterizedTest
  @ValueSource(
      strings = {"stories260K-F32", "stories260K-F16", "stories260K-Q8_0", "stories260K-Q4_0"})
  void ofASmallModelIsThatOfTheReferenceEngine(String name) throws IOException {
    check(Golden.committed(name));
  }

  @Test
  void ofSmolLm2IsThatOfTheReferenceEngine() throws IOException {
    assumeSlowTests();
    check(Golden.shared("SmolLM2-135M-Instruct-Q4_1"));
  }

  @Test
  void ofGemmaIsThatOfTheReferenceEngine() throws IOException {
    assumeSlowTests();
    check(Golden.of("gemma-3-270m-Q4_K_M", Shared.gemma()));
  }

  private static void assumeSlowTests() {
    assumeTrue(
        "true".equals(System.getenv("E2LLM_SLOW_TESTS")),
        "takes minutes; E2LLM_SLOW_TESTS=true runs it");
  }

  private static void check(Golden golden) throws IOException {
    Golden.Opticks opticks = golden.opticks();
    double nll = meanNll(golden, opticks);
    assertThat(Math.exp(nll - opticks.meanNll())).isCloseTo(1, within(0.001));
  }

  private static double meanNll(Golden golden, Golden.Opticks opticks) throws IOException {
    Tokenizer tokenizer;
    try (GgufFile file = GgufFile.open(ModelSource.of(golden.model()))) {
      tokenizer = Tokenizers.of(file.metadata());
    }
    int[] text = tokenizer.encode(Files.readString(opticks.text()), false, false);
    int bos = tokenizer.addsBos() ? 1 : 0;
    int step = opticks.window() - bos;
    assertThat(text.length / step).isEqualTo(opticks.windows());
    double sum = 0;
    try (Chain chain =
        new Chain(golden.model(), KernelsLookup.kernels(), 2, opticks.window(), KvType.F32)) {
      for (int i = 0; i < opticks.windows(); i++) {
        int[] window = new int[opticks.window()];
        window[0] = tokenizer.bos();
        System.arraycopy(text, i * step, window, bos, step);
        sum += windowNll(chain, window);
      }
    }
    return sum / opticks.windows() / (opticks.window() - 1);
  }

  private static double windowNll(Chain chain, int[] window) {
    double sum = 0;
    try (Chain.Session session = chain.open(1)) {
      for (int i = 0; i < window.length; i += CHUNK) {
        int n = Math.min(CHUNK, window.length - i);
        StageOutput output =
            chain.forward(
                List.of(new Slice(1, 0, i, n, Logits.ALL)), Arrays.copyOfRange(window, i, i + n));
        for (int row = 0; row < n && i + row + 1 < window.length; row++) {
          sum += nll(output, row, window[i + row + 1]);
        }
      }
    }
    return sum;
  }

  private static double nll(StageOutput output, int row, int token) {
    int from = row * output.width();
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = from; i < from + output.width(); i++) {
      largest = Math.max(largest, output.data()[i]);
    }
    double sum = 0;
    for (int i = from; i < from + output.width(); i++) {
      sum += Math.exp(output.data()[i] - largest);
    }
    return Math.log(sum) + largest - output.data()[from + token];
  }
}

package org.e2llm.kernels.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.text.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A million characters of one kind neither overflow a stack nor take quadratic time. The timeout is
 * no measure of speed: quadratic time would be hours.
 */
@Timeout(120)
class LongTextTest {
  private static final int LENGTH = 1_000_000;
  private static final List<String> UNITS = List.of("a", " ", "7", "\n", "😀");
  private static final List<String> MORE_UNITS =
      List.of("É", "'", "<", "[tool]", "a ", " \n", "<|im_end|", "[[tool]");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama-bpe", "qwen2", "gpt-2", "smollm", "deepseek-llm", "deepseek-coder", "starcoder",
        "falcon", "refact", "command-r", "mpt", "gpt-4o", "tekken", "default"
      })
  void byteLevel(String preTokenizer) {
    Map<String, Object> keys = TestVocabularies.byteLevel();
    keys.put("tokenizer.ggml.pre", preTokenizer);
    keys.put("tokenizer.ggml.add_bos_token", false);
    check(Tokenizers.of(GgufMetadata.of(keys)), UNITS);
  }

  @Test
  void byteLevelWithSpecialTokens() {
    check(Tokenizers.of(GgufMetadata.of(TestVocabularies.byteLevel())), MORE_UNITS);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sentencePiece(boolean addSpacePrefix) {
    Map<String, Object> keys = TestVocabularies.sentencePiece();
    keys.put("tokenizer.ggml.add_space_prefix", addSpacePrefix);
    Tokenizer tokenizer = Tokenizers.of(GgufMetadata.of(keys));
    check(tokenizer, UNITS);
    check(tokenizer, MORE_UNITS);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-spm", "llama-bpe"})
  void realVocabularies(String name) {
    check(Tokenizers.of(TestVocabularies.shared(name)), UNITS);
  }

  private static void check(Tokenizer tokenizer, List<String> units) {
    for (String unit : units) {
      String text = unit.repeat(LENGTH / unit.length());
      assertThat(tokenizer.decode(tokenizer.encode(text, false, true), false).equals(text))
          .as("%s comes back", unit)
          .isTrue();
    }
  }
}

package org.e2llm.kernels.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.text.Tokenizer;
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
    check(Tokenizers.of(GgufMetadata.of(keys)));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sentencePiece(boolean addSpacePrefix) {
    Map<String, Object> keys = TestVocabularies.sentencePiece();
    keys.put("tokenizer.ggml.add_space_prefix", addSpacePrefix);
    check(Tokenizers.of(GgufMetadata.of(keys)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-spm", "phi-3", "llama-bpe", "qwen2"})
  void realVocabularies(String name) {
    check(Tokenizers.of(TestVocabularies.shared(name)));
  }

  private static void check(Tokenizer tokenizer) {
    for (String unit :
        new String[] {
          "a", " ", "7", "\n", "😀", "É", "'", "<", "[tool]", "a ", " \n", "<|im_end|"
        }) {
      String text = unit.repeat(LENGTH / unit.length());
      assertThat(tokenizer.decode(tokenizer.encode(text, false, true), false).equals(text))
          .as("%s comes back", unit)
          .isTrue();
    }
  }
}

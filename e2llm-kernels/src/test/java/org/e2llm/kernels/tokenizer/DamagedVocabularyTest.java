package org.e2llm.kernels.tokenizer;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.e2llm.ModelFormatException;
import org.e2llm.UnsupportedModelException;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad metadata ends in an error that names the key. */
class DamagedVocabularyTest {
  private static final String KEY = "tokenizer.ggml.";

  @ParameterizedTest
  @ValueSource(strings = {"model", "tokens", "scores"})
  void missingKeysAreNamed(String key) {
    Map<String, Object> keys = TestVocabularies.sentencePiece();
    keys.remove(KEY + key);
    assertFails(keys, KEY + key);
  }

  @Test
  void missingMergesAreNamed() {
    Map<String, Object> keys = TestVocabularies.byteLevel();
    keys.remove(KEY + "merges");
    assertFails(keys, KEY + "merges");
  }

  @Test
  void arraysHaveOneElementPerToken() {
    Map<String, Object> keys = TestVocabularies.sentencePiece();
    keys.put(KEY + "scores", new float[3]);
    assertFails(keys, KEY + "scores has 3");
    keys = TestVocabularies.sentencePiece();
    keys.put(KEY + "token_type", new int[4]);
    assertFails(keys, KEY + "token_type has 4");
  }

  @Test
  void valuesAreChecked() {
    Map<String, Object> keys = TestVocabularies.byteLevel();
    int[] types = new int[261];
    types[7] = 9;
    keys.put(KEY + "token_type", types);
    assertFails(keys, KEY + "token_type[7] is 9");

    keys = TestVocabularies.sentencePiece();
    float[] scores = ((float[]) keys.get(KEY + "scores")).clone();
    scores[5] = Float.NaN;
    keys.put(KEY + "scores", scores);
    assertFails(keys, KEY + "scores[5]");

    keys = TestVocabularies.byteLevel();
    keys.put(KEY + "merges", List.of("a b", "ab"));
    assertFails(keys, KEY + "merges[1]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bos", "eos", "unknown", "eot"})
  void specialIdsAreInTheVocabulary(String name) {
    Map<String, Object> keys = TestVocabularies.byteLevel();
    keys.put(KEY + name + "_token_id", 261);
    assertFails(keys, KEY + name + "_token_id is 261");
  }

  @Test
  void aBosToAddMustExist() {
    Map<String, Object> keys = TestVocabularies.byteLevel();
    keys.put(KEY + "add_bos_token", true);
    assertFails(keys, KEY + "add_bos_token");
  }

  @Test
  void tokensAreDistinctAndThereIsOne() {
    Map<String, Object> keys = TestVocabularies.byteLevel();
    keys.put(KEY + "tokens", List.of("a", "b", "a"));
    assertFails(keys, KEY + "tokens[2] is the same as [0]");
    keys.put(KEY + "tokens", List.of());
    assertFails(keys, KEY + "tokens");
  }

  @Test
  void tokenizersThatAreNotSupportedAreListedAgainstThoseThatAre() {
    Map<String, Object> keys = TestVocabularies.byteLevel();
    keys.put(KEY + "pre", "kimi-k2");
    assertThatThrownBy(() -> Tokenizers.of(GgufMetadata.of(keys)))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("kimi-k2")
        .hasMessageContaining("llama-bpe")
        .hasMessageContaining("gpt-4o");
    keys.put(KEY + "model", "t5");
    assertThatThrownBy(() -> Tokenizers.of(GgufMetadata.of(keys)))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("llama, gpt2");
  }

  private static void assertFails(Map<String, Object> keys, String message) {
    assertThatThrownBy(() -> Tokenizers.of(GgufMetadata.of(keys)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(message);
  }
}

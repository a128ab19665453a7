package org.e2llm.samples.tokenize;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Collectors;
import org.e2llm.samples.Golden;
import org.e2llm.samples.Run;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code tokenize}: there and back. */
class TokenizeTest {
  @ParameterizedTest
  @ValueSource(strings = {"once", "empty", "park", "spaces", "unicode"})
  void printsTheIdsOfTheReferenceEngineAndFindsBack(String name) {
    String text = (String) Golden.stories(name).get("prompt");
    String ids =
        ((List<?>) Golden.stories(name).get("promptTokens"))
            .stream().map(String::valueOf).collect(Collectors.joining(" "));

    assertThat(Run.withInput(text, "tokenize", "-").text()).isEqualTo(ids + "\n");
    assertThat(Run.withInput(ids, "tokenize", "--decode", "-").text()).isEqualTo(text);
  }

  @Test
  void takesIdsApartBySpacesOrCommas() {
    assertThat(Run.of("tokenize", "--decode", "1", "403", "407").text()).isEqualTo("Once upon");
    assertThat(Run.of("tokenize", "--decode", "1,403,407").text()).isEqualTo("Once upon");
  }

  @Test
  void withoutSpecialTokensNeitherBosIsAddedNorTextParsed() {
    assertThat(Run.of("tokenize", "--no-special", "Once upon").text()).isEqualTo("403 407\n");
    assertThat(Run.of("tokenize", "<s>").text()).isEqualTo("1 1\n");
    assertThat(Run.of("tokenize", "--no-special", "<s>").text().split(" ")).hasSizeGreaterThan(2);
  }

  @Test
  void needsAVocabularyOnly() {
    String vocabulary = Shared.require("data/vocab/ggml-vocab-qwen2.gguf").toString();

    assertThat(Run.of("tokenize", "--model", vocabulary, "hello<|im_end|>").text())
        .isEqualTo("14990 151645\n");
    assertThat(Run.of("tokenize", "--model", vocabulary, "--decode", "14990", "151645").text())
        .isEqualTo("hello<|im_end|>");
  }
}

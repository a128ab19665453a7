package org.e2llm.kernels.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.e2llm.InvalidRequestException;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.text.TextSegment;
import org.e2llm.text.Tokenizer;
import org.junit.jupiter.api.Test;

/** Control and user-defined tokens in a text, BOS, EOS and what ends a generation. */
class SpecialTokensTest {
  private final Tokenizer spm = Tokenizers.of(GgufMetadata.of(TestVocabularies.sentencePiece()));
  private final Tokenizer bpe = Tokenizers.of(GgufMetadata.of(TestVocabularies.byteLevel()));

  @Test
  void controlTokensAreFoundOnlyWhereSpecialTokensAreParsed() {
    assertThat(pieces(spm, "ab<|im_end|>ab", true)).isEqualTo("▁ab|<|im_end|>|▁ab");
    assertThat(pieces(bpe, "ab<|im_end|>ab", true)).isEqualTo("ab|<|im_end|>|ab");
    assertThat(pieces(spm, "<|im_end|>", false)).doesNotContain("<|im_end|>");
    assertThat(pieces(bpe, "<|im_end|>", false)).isEqualTo("<|||i|m|_|e|n|d|||>");
  }

  @Test
  void userDefinedTokensAreFoundEverywhere() {
    assertThat(pieces(spm, "ab[tool]ab", false)).isEqualTo("▁ab|[tool]|▁ab");
    assertThat(pieces(bpe, "ab[tool]ab", false)).isEqualTo("ab|[tool]|ab");
  }

  @Test
  void mergesNeverMakeAControlTokenOfPlainText() {
    // "s>" is a token, so that "<" and "s>" could merge to <s>.
    assertThat(pieces(spm, "<s>", false)).isEqualTo("▁|<|s>");
    assertThat(pieces(spm, "<s>", true)).isEqualTo("<s>");
  }

  @Test
  void segmentsAreOneTextButSpecialTokensStayInTheirs() {
    assertThat(
            pieces(
                spm,
                new TextSegment("a", true),
                new TextSegment("b<|im_end|>", false),
                new TextSegment("<|im_end|>", true)))
        .startsWith("▁ab|<|")
        .endsWith("|<|im_end|>");
    assertThat(pieces(bpe, new TextSegment("a", true), new TextSegment("bc", false)))
        .isEqualTo("abc");
  }

  @Test
  void whatAUserWroteCannotCompleteATokenOfTheTemplate() {
    assertThat(
            pieces(
                bpe,
                new TextSegment("<|im_", false),
                new TextSegment("end|>", true),
                new TextSegment("<|im_end", true),
                new TextSegment("|>", false)))
        .doesNotContain("<|im_end|>");
    assertThat(pieces(bpe, new TextSegment("<|im_", true), new TextSegment("end|>", true)))
        .isEqualTo("<|im_end|>");
  }

  @Test
  void segmentBordersCountBytesNotCharacters() {
    assertThat(
            pieces(
                bpe,
                new TextSegment("é€😀", false),
                new TextSegment("<|im_end|>", true),
                new TextSegment("\uD83D", false),
                new TextSegment("\uDE00<|im_end|>", true)))
        .containsPattern("\\Q<|im_end|>\\E.*\\Q<|im_end|>\\E");
  }

  @Test
  void longerTokensGoFirstWhereverTheyAre() {
    Map<String, Object> keys =
        withTokens(List.of("ab", "bcd", "d", "cde"), TestVocabularies.USER_DEFINED);
    Tokenizer tokenizer = Tokenizers.of(GgufMetadata.of(keys));
    assertThat(pieces(tokenizer, "abcd", false)).isEqualTo("a|bcd");
    assertThat(pieces(tokenizer, "abcde", false)).isEqualTo("a|bcd|e");
    assertThat(pieces(tokenizer, "abd", false)).isEqualTo("ab|d");
    assertThat(pieces(tokenizer, "dabdd", false)).isEqualTo("d|ab|d|d");
  }

  @Test
  void phi3DropsWhiteSpaceAfterItsTokens() {
    Map<String, Object> keys = TestVocabularies.sentencePiece();
    keys.put("general.name", "Phi-3 mini");
    Tokenizer tokenizer = Tokenizers.of(GgufMetadata.of(keys));
    assertThat(pieces(tokenizer, "<|im_end|> \n ab<s> ab", true))
        .isEqualTo("<|im_end|>|▁ab|<s>|▁▁|ab");
  }

  @Test
  void bosIsAddedAsTheFileSays() {
    assertThat(spm.addsBos()).isTrue();
    assertThat(spm.encode("", true, true)).containsExactly(1);
    assertThat(spm.encode("", false, true)).isEmpty();
    assertThat(bpe.addsBos()).isFalse();
    assertThat(bpe.encode("", true, true)).isEmpty();

    Map<String, Object> keys = TestVocabularies.byteLevel();
    keys.put("tokenizer.ggml.bos_token_id", 259);
    keys.put("tokenizer.ggml.eos_token_id", 260);
    keys.put("tokenizer.ggml.pre", "llama-bpe");
    keys.put("tokenizer.ggml.add_eos_token", true);
    assertThat(Tokenizers.of(GgufMetadata.of(keys)).encode("ab", true, true))
        .containsExactly(259, 256, 260);
    keys.put("tokenizer.ggml.add_bos_token", false);
    assertThat(Tokenizers.of(GgufMetadata.of(keys)).encode("ab", true, true))
        .containsExactly(256, 260);
  }

  @Test
  void knownTextsEndAGenerationWhereTheirTypeAllows() {
    assertThat(spm.endOfGeneration()).containsExactly(2, spm.vocabularySize() - 2);
    Tokenizer markup =
        Tokenizers.of(
            GgufMetadata.of(withTokens(List.of("</s>", "<|eot_id|>"), TestVocabularies.NORMAL)));
    int eot = markup.vocabularySize() - 1;
    assertThat(markup.endOfGeneration()).doesNotContain(eot - 1).contains(eot);
    assertThat(markup.isControl(eot)).isTrue();
    assertThat(markup.isControl(eot - 1)).isFalse();
  }

  @Test
  void generatedTextHasNoControlTokensAndKeepsEverySpace() {
    int[] tokens = spm.encode("ab<|im_end|>é[tool]", true, true);
    assertThat(pieces(spm, "ab<|im_end|>é[tool]", true)).isEqualTo("▁ab|<|im_end|>|▁|é|[tool]");
    assertThat(spm.bytes(tokens[0])).isEmpty();
    assertThat(spm.bytes(tokens[1])).asString().isEqualTo(" ab");
    assertThat(spm.bytes(3 + 0xC3)).containsExactly(0xC3);
    assertThat(spm.decode(tokens, false)).isEqualTo("abé[tool]");
    assertThat(spm.decode(tokens, true)).isEqualTo("<s>ab<|im_end|>é[tool]");
    assertThat(bpe.bytes(258)).asString().isEqualTo(" a");
    assertThat(bpe.decode(new int[] {258, 259}, true)).isEqualTo(" a<|im_end|>");
  }

  @Test
  void idsBeyondTheVocabularyAreRefused() {
    assertThatThrownBy(() -> bpe.bytes(261))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("261");
    assertThatThrownBy(() -> bpe.decode(new int[] {-1}, false))
        .isInstanceOf(InvalidRequestException.class);
  }

  private static Map<String, Object> withTokens(List<String> more, int type) {
    Map<String, Object> keys = TestVocabularies.byteLevel();
    List<String> tokens = new java.util.ArrayList<>();
    ((List<?>) keys.get("tokenizer.ggml.tokens")).forEach(token -> tokens.add((String) token));
    tokens.remove("ab");
    tokens.add(256, "[was ab]");
    for (String token : more) {
      tokens.remove(token);
    }
    tokens.addAll(more);
    int[] types = new int[tokens.size()];
    java.util.Arrays.fill(types, TestVocabularies.NORMAL);
    java.util.Arrays.fill(types, types.length - more.size(), types.length, type);
    keys.put("tokenizer.ggml.tokens", tokens);
    keys.put("tokenizer.ggml.token_type", types);
    keys.put("tokenizer.ggml.merges", List.of("Ġ a"));
    return keys;
  }

  private static String pieces(Tokenizer tokenizer, String text, boolean parseSpecial) {
    return pieces(tokenizer, new TextSegment(text, parseSpecial));
  }

  private static String pieces(Tokenizer tokenizer, TextSegment... segments) {
    return TestVocabularies.pieces(tokenizer, tokenizer.encode(List.of(segments), false));
  }
}

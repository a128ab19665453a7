package org.e2llm.kernels.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.util.Arrays;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.testing.Shared;
import org.e2llm.text.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for every text. */
class TokenizerPropertyTest {
  private static final Tokenizer SPM =
      Tokenizers.of(GgufMetadata.of(TestVocabularies.sentencePiece()));
  private static final Tokenizer BPE =
      Tokenizers.byteLevel(GgufMetadata.of(TestVocabularies.byteLevel()), false);
  private static final Tokenizer BPE_JTOKKIT =
      Tokenizers.byteLevel(GgufMetadata.of(TestVocabularies.byteLevel()), true);

  @Provide
  Arbitrary<String> texts() {
    Arbitrary<String> anything =
        Arbitraries.strings().filter(text -> text.equals(wellFormed(text)));
    Arbitrary<String> close =
        Arbitraries.strings().withChars("aabbc  \n\té'sS1239<>|_s[tool]im_end").ofMaxLength(40);
    return Arbitraries.oneOf(anything, close);
  }

  @Property
  void decodingUndoesEncoding(@ForAll("texts") String text) {
    String plain = text.replace('\u2581', '_');
    assertThat(SPM.decode(SPM.encode(plain, true, false), false)).isEqualTo(plain);
    assertThat(SPM.decode(SPM.encode(plain, false, true), true)).isEqualTo(plain);
    assertThat(BPE.decode(BPE.encode(text, true, false), false)).isEqualTo(text);
    assertThat(BPE.decode(BPE.encode(text, true, true), true)).isEqualTo(text);
  }

  @Property
  void jtokkitAndOurMergeLoopAgree(@ForAll("texts") String text) {
    assertThat(BPE_JTOKKIT.encode(text, true, true)).isEqualTo(BPE.encode(text, true, true));
  }

  @Property
  void plainTextNeverBecomesAControlToken(@ForAll("texts") String text) {
    for (Tokenizer tokenizer : new Tokenizer[] {SPM, BPE}) {
      assertThat(Arrays.stream(tokenizer.encode(text + "<s><|im_end|></s>", false, false)))
          .noneMatch(tokenizer::isControl);
    }
  }

  @Property
  void whatIsNoUnicodeBecomesAReplacementCharacter(@ForAll String text) {
    assertThat(BPE.decode(BPE.encode(text, false, false), false)).isEqualTo(wellFormed(text));
  }

  private static String wellFormed(String text) {
    StringBuilder result = new StringBuilder();
    text.codePoints().forEach(c -> result.appendCodePoint(c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c));
    return result.toString();
  }

  @Test
  void jtokkitIsUsedWhereItIsExact() {
    GgufMetadata exact = GgufMetadata.of(TestVocabularies.byteLevel());
    assertThat(jtokkit(exact)).isNotNull();

    Map<String, Object> keys = TestVocabularies.byteLevel();
    keys.put("tokenizer.ggml.merges", java.util.List.of("a b", "c c"));
    assertThat(jtokkit(GgufMetadata.of(keys))).as("\"cc\" is no token").isNull();
  }

  private static @org.jspecify.annotations.Nullable JtokkitMerger jtokkit(GgufMetadata metadata) {
    return JtokkitMerger.of(MergeTable.read(metadata, Vocabulary.read(metadata, -1, -1, -1)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt-2", "llama-bpe", "qwen2", "deepseek-llm", "deepseek-coder"})
  void jtokkitAndOurMergeLoopAgreeOnRealVocabularies(String name) throws java.io.IOException {
    GgufMetadata metadata = TestVocabularies.shared(name);
    assertThat(jtokkit(metadata)).isNotNull();
    Tokenizer own = Tokenizers.byteLevel(metadata, false);
    Tokenizer jtokkit = Tokenizers.byteLevel(metadata, true);
    String opticks = Files.readString(Shared.require("golden/opticks.txt"));
    assertThat(jtokkit.encode(opticks, false, false)).isEqualTo(own.encode(opticks, false, false));
    java.util.Random random = new java.util.Random(1);
    for (int i = 0; i < 300; i++) {
      StringBuilder text = new StringBuilder();
      for (int n = random.nextInt(60); n > 0; n--) {
        int bound = new int[] {0x80, 0x250, 0x3000, 0xD800, 0x20000}[random.nextInt(5)];
        int c = random.nextInt(bound);
        text.appendCodePoint(c >= 0xD800 && c < 0xE000 ? '*' : c);
      }
      assertThat(jtokkit.encode(text.toString(), false, false))
          .isEqualTo(own.encode(text.toString(), false, false));
    }
  }
}

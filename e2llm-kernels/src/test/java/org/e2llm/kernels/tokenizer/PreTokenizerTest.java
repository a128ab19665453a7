package org.e2llm.kernels.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How texts are cut into words; a middle dot stands for a space, a bar for a cut. */
class PreTokenizerTest {
  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "gpt-2, I'm·here··now, I|'m|·here|·|·now",
        "gpt-2, I'M·12345!?, I|'|M|·12345|!?",
        "gpt-2, a···, a|···",
        "llama-bpe, I'M·here··now, I|'M|·here|·|·now",
        "llama-bpe, a12345·b, a|123|45|·b",
        "llama-bpe, (foo)·!!, (foo|)|·!!",
        "qwen2, a12345, a|1|2|3|4|5",
        "smollm, a·12·b, a|·|1|2|·b",
        "starcoder, x··1, x|··|1",
        "falcon, a+b·12345·'s, a|+|b|·|123|45|·|'|s",
        "deepseek-llm, a·été·1234·中文, a|·été|·|1234|·|中文",
        "deepseek-coder, a·12中, a|·|1|2|中",
        "gpt-4o, fooBar·FOOBar's, foo|Bar|·FOOBar's",
        "gpt-4o, ÉAb·É·123456, É|Ab|·É|·|123|456",
        "tekken, fooBar·12's, foo|Bar|·|1|2|'s",
        "default, a·123456·b, a|·|123|456|·b",
      })
  void wordsAre(String name, String text, String words) {
    assertThat(words(name, text.replace('·', ' '))).isEqualTo(words.replace('·', ' '));
  }

  @Test
  void newlinesGoWithWhatTheReferenceGivesThemTo() {
    assertThat(words("llama-bpe", "a \n\n b!\n\n c\n")).isEqualTo("a| \n\n| b|!\n\n| c|\n");
    assertThat(words("gpt-2", "a \n\n b!\n")).isEqualTo("a| \n\n| b|!|\n");
    assertThat(words("gpt-4o", "a//\n/b")).isEqualTo("a|//\n/|b");
    assertThat(words("deepseek-llm", "a\r\n")).isEqualTo("a|\r|\n");
  }

  @Test
  void characterClassesAreThoseOfUnicode() {
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      int type = Character.getType(c);
      // A code point that this JVM's or the table's Unicode version does not know yet.
      if (type == Character.UNASSIGNED || CharacterClass.of(c) == CharacterClass.OTHER) {
        continue;
      }
      byte expected =
          Character.isLetter(c)
              ? CharacterClass.LETTER
              : type == Character.DECIMAL_DIGIT_NUMBER
                      || type == Character.LETTER_NUMBER
                      || type == Character.OTHER_NUMBER
                  ? CharacterClass.NUMBER
                  : Character.isSpaceChar(c) || (c >= 9 && c <= 13) || c == 0x85
                      ? CharacterClass.SPACE
                      : CharacterClass.PUNCTUATION;
      assertThat(CharacterClass.of(c)).as("U+%04X", c).isEqualTo(expected);
    }
    assertThat(CharacterClass.of('é')).isEqualTo(CharacterClass.LETTER);
    assertThat(CharacterClass.of('\u3000')).isEqualTo(CharacterClass.SPACE);
    assertThat(CharacterClass.of('\u200B')).isEqualTo(CharacterClass.OTHER);
    assertThat(CharacterClass.of(0x1F600)).isEqualTo(CharacterClass.OTHER);
    assertThat(CharacterClass.of(0x323AF)).isEqualTo(CharacterClass.LETTER);
    assertThat(CharacterClass.of(0x10FFFF)).isEqualTo(CharacterClass.OTHER);
  }

  private static String words(String name, String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    CodePoints points = new CodePoints(utf8, 0, utf8.length);
    IntList ends = PreTokenizer.of(name).split(points);
    StringBuilder words = new StringBuilder();
    int from = 0;
    for (int i = 0; i < ends.size(); i++) {
      int to = points.start(ends.get(i));
      words
          .append(i == 0 ? "" : "|")
          .append(new String(utf8, from, to - from, StandardCharsets.UTF_8));
      from = to;
    }
    return words.toString();
  }
}

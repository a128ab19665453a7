package org.e2llm.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class StopMatcherTest {
  @Test
  void holdsBackWhatMayBecomeAStopAndNoMore() {
    StopMatcher matcher = new StopMatcher(List.of("\n\nUser:"));
    assertThat(matcher.append("Hello\n")).isEqualTo("Hello");
    assertThat(matcher.append("\nUse")).isEmpty();
    assertThat(matcher.append("ful")).isEqualTo("\n\nUseful");
    assertThat(matcher.append("\n\nUser: x")).isEmpty();
    assertThat(matcher.found()).isEqualTo("\n\nUser:");
    assertThat(matcher.append("more")).isEmpty();
    assertThat(matcher.finish()).isEmpty();
  }

  @Test
  void textHeldBackComesAtTheEnd() {
    StopMatcher matcher = new StopMatcher(List.of("abc"));
    assertThat(matcher.append("xab")).isEqualTo("x");
    assertThat(matcher.finish()).isEqualTo("ab");
    assertThat(matcher.found()).isNull();
  }

  @Property
  void piecesGiveWhatANaiveSearchOfTheWholeTextGives(
      @ForAll("pieces") List<String> pieces, @ForAll("stops") List<String> stops) {
    StopMatcher matcher = new StopMatcher(stops);
    StringBuilder out = new StringBuilder();
    for (String piece : pieces) {
      out.append(matcher.append(piece));
    }
    out.append(matcher.finish());
    assertThat(out).hasToString(naive(String.join("", pieces), stops));
  }

  /** The text up to the stop sequence that is complete first, the longest of those. */
  private static String naive(String text, List<String> stops) {
    for (int end = 1; end <= text.length(); end++) {
      int longest = 0;
      for (String stop : stops) {
        if (text.substring(0, end).endsWith(stop)) {
          longest = Math.max(longest, stop.length());
        }
      }
      if (longest > 0) {
        return text.substring(0, end - longest);
      }
    }
    return text;
  }

  @Provide
  Arbitrary<List<String>> pieces() {
    return Arbitraries.strings().withChars("abc").ofMaxLength(5).list().ofMaxSize(12);
  }

  @Provide
  Arbitrary<List<String>> stops() {
    return Arbitraries.strings().withChars("abc").ofMinLength(1).ofMaxLength(6).list().ofMaxSize(4);
  }
}

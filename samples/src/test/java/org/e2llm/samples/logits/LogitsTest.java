package org.e2llm.samples.logits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.e2llm.samples.Golden;
import org.e2llm.samples.Run;
import org.junit.jupiter.api.Test;

/** {@code logits} against the reference engine. */
class LogitsTest {
  private static final List<?> TOKENS = (List<?>) Golden.stories("once").get("promptTokens");

  @Test
  void agreeWithTheReferenceEngine() {
    List<?> top = (List<?>) Golden.exact(Golden.stories("once")).get("top");
    double unit = ((Number) Golden.exact(Golden.stories("once")).get("logitsStd")).doubleValue();

    List<String> lines = logits("--top", "20", "--kv-type", "f32").lines().toList();

    assertThat(lines).hasSize(20);
    for (int i = 0; i < 20; i++) {
      List<?> expected = (List<?>) top.get(i);
      String[] line = lines.get(i).split(" ");
      assertThat(line[0]).isEqualTo(expected.get(0).toString());
      assertThat(Double.parseDouble(line[1]))
          .isCloseTo(((Number) expected.get(1)).doubleValue(), within(0.0005 * unit));
    }
  }

  @Test
  void areTheSameHoweverThePromptIsCut() {
    String whole = logits("--top", "512");

    assertThat(whole.lines()).hasSize(512);
    assertThat(logits("--top", "512", "--chunk", "1")).isEqualTo(whole);
    assertThat(logits("--top", "512", "--chunk", "2", "--threads", "2")).isEqualTo(whole);
  }

  @Test
  void tenArePrintedUnlessMoreAreAskedFor() {
    assertThat(logits().lines()).hasSize(10);
    assertThat(logits("--top", "100000").lines()).hasSize(512);
  }

  @Test
  void equalOnesComeByLowestId() {
    float[] logits = {1, 3, -0f, 3, 0f, 2};

    assertThat(Logits.best(logits, 4)).containsExactly(1, 3, 5, 0);
    assertThat(Logits.best(logits, 6)).containsExactly(1, 3, 5, 0, 2, 4);
  }

  private static String logits(String... options) {
    Stream<String> ids = TOKENS.stream().map(String::valueOf);
    String[] command = {"logits", "--tokens", ids.collect(Collectors.joining(","))};
    return Run.of(Stream.of(command, options).flatMap(Stream::of).toArray(String[]::new)).text();
  }
}

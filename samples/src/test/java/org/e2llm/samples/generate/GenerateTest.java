package org.e2llm.samples.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.e2llm.samples.Golden;
import org.e2llm.samples.Run;
import org.junit.jupiter.api.Test;

/** {@code generate} with the model that ships with the samples. */
class GenerateTest {
  private static final String PROMPT = "Once upon a time";

  @Test
  void continuesThePromptAsTheReferenceEngineDoes() {
    String story = (String) Golden.exact(Golden.stories("once")).get("text");

    Run run =
        Run.of("generate", "--temperature", "0", "--kv-type", "f32", "--max-tokens", "200", PROMPT);

    assertThat(run.text()).isEqualTo(PROMPT + story + "\n");
    assertThat(run.lastErrLine())
        .contains("stories260K", "kernels", "prompt 5 + output 200 tokens", "TTFT", "decode");
  }

  @Test
  void quietPrintsTheTextAndNothingElse() {
    Run run = Run.of("generate", "--quiet", "--temperature", "0", "--max-tokens", "9", PROMPT);

    assertThat(run.text()).isEqualTo(", there was a little girl named");
    assertThat(run.err()).isEmpty();
  }

  @Test
  void anSloNeedsNoClusterAndChangesNoText() {
    Run run =
        Run.of(
            "generate",
            "--quiet",
            "--slo",
            "ttft=2,tpot=0.5",
            "--temperature",
            "0",
            "--max-tokens",
            "9",
            PROMPT);
    assertThat(run.text()).isEqualTo(", there was a little girl named");
    Run wrong = Run.of("generate", "--slo", "soon", PROMPT);
    assertThat(wrong.exitCode()).isNotZero();
    assertThat(wrong.err()).contains("'soon' is not ttft=SECONDS or tpot=SECONDS");
  }

  @Test
  void statsForScriptsAreOneJsonObjectOnTheLastLine() {
    Run run =
        Run.of(
            "generate",
            "--stats",
            "json",
            "--seed",
            "7",
            "--threads",
            "1",
            "--max-tokens",
            "8",
            PROMPT);

    assertThat(run.exitCode()).isZero();
    Map<String, Object> stats = Golden.object(Golden.parse(run.lastErrLine()));
    assertThat(stats.keySet())
        .containsExactly(
            "modelName",
            "architecture",
            "quant",
            "kernels",
            "threads",
            "promptTokens",
            "outputTokens",
            "loadMs",
            "ttftMs",
            "prefillTokensPerSecond",
            "decodeTokensPerSecond",
            "finishReason",
            "seed");
    assertThat(stats)
        .containsEntry("modelName", "stories260K")
        .containsEntry("architecture", "llama")
        .containsEntry("quant", "F32")
        .containsEntry("threads", 1)
        .containsEntry("promptTokens", 5)
        .containsEntry("outputTokens", 8)
        .containsEntry("finishReason", "LENGTH")
        .containsEntry("seed", 7);
    for (String measured :
        new String[] {"loadMs", "ttftMs", "prefillTokensPerSecond", "decodeTokensPerSecond"}) {
      assertThat(((Number) stats.get(measured)).doubleValue()).as(measured).isPositive();
    }
  }

  @Test
  void quietWithStatsLeavesTheObjectAloneOnStandardError() {
    Run run = Run.of("generate", "--quiet", "--stats", "json", "--max-tokens", "3", PROMPT);

    assertThat(run.exitCode()).isZero();
    assertThat(run.errLines()).hasSize(1);
    assertThat(Golden.object(Golden.parse(run.err()))).containsEntry("outputTokens", 3);
  }

  @Test
  void readsThePromptFromStandardInputAsItIs() {
    String prompt = (String) Golden.stories("unicode").get("prompt");
    String story = (String) Golden.exact(Golden.stories("unicode")).get("text");

    Run run =
        Run.withInput(
            prompt, "generate", "--temperature", "0", "--kv-type", "f32", "--max-tokens", "8", "-");

    assertThat(run.text()).startsWith(prompt + " the slide").endsWith("\n");
    assertThat(prompt + story).startsWith(run.out().substring(0, run.out().length() - 1));
  }

  @Test
  void promptMayBeEmptyWhereTheModelAddsBos() {
    String story = (String) Golden.exact(Golden.stories("empty")).get("text");

    Run run = Run.of("generate", "--quiet", "--temperature", "0", "--max-tokens", "5", "");

    assertThat(run.text()).isNotEmpty();
    assertThat(story).startsWith(run.out());
  }

  @Test
  void promptMayLookLikeAnOptionOrAFileOfArguments() {
    assertThat(Run.of("generate", "--max-tokens", "1", "--prompt", "--quiet").text())
        .startsWith("--quiet");
    assertThat(Run.of("generate", "--max-tokens", "1", "--", "-n").text()).startsWith("-n");
    assertThat(Run.of("generate", "--max-tokens", "1", "@home").text()).startsWith("@home");
  }

  @Test
  void stopsBeforeAStopText() {
    Run run =
        Run.of(
            "generate",
            "--quiet",
            "--stats",
            "json",
            "--temperature",
            "0",
            "--stop",
            "never",
            "--stop",
            " named",
            PROMPT);

    assertThat(run.text()).isEqualTo(", there was a little girl");
    assertThat(run.lastErrLine()).contains("\"finishReason\":\"STOP_SEQUENCE\"");
  }

  @Test
  void sameSeedGivesTheSameText() {
    String[] args = {"generate", "--quiet", "--seed", "42", "--max-tokens", "30", PROMPT};

    assertThat(Run.of(args).text()).isEqualTo(Run.of(args).text());
  }

  @Test
  void endsWhereTheContextIsFull() {
    Run run = Run.of("generate", "--stats", "json", "--context", "12", PROMPT);

    assertThat(run.exitCode()).isZero();
    assertThat(Golden.object(Golden.parse(run.lastErrLine())))
        .containsEntry("finishReason", "LENGTH")
        .containsEntry("promptTokens", 5);
  }
}

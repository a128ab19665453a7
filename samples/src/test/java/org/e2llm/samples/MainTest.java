package org.e2llm.samples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The command line as a whole: help, and errors of one line. */
class MainTest {
  @Test
  void listsTheCommandsWhenNoneIsGiven() {
    String expected = Run.of("--help").text();

    assertThat(Run.of().text()).isEqualTo(expected);
    assertThat(expected)
        .contains("generate", "chat", "tokenize", "logits", "perplexity", "bench", "inspect")
        .contains("plan", "study");
  }

  @ParameterizedTest
  @CsvSource({
    "generate, --model --prompt --max-tokens --temperature --top-k --top-p --min-p --repeat-penalty"
        + " --seed --stop --context --threads --kv-type --batch --quiet --stats",
    "chat, --model --system --max-tokens --temperature --context --threads --kv-type",
    "tokenize, --model --no-special --decode",
    "logits, --model --tokens --top --chunk --context --kv-type --threads",
    "perplexity, --model --file --window --kv-type",
    "bench, --model --synthetic --threads --pp --tg --repeat --json",
    "inspect, FILE",
    "plan, --fleet --model --workload --load --strategy --router --slo --requests --seed --json"
        + " --report",
    "study, --jobs --cells --out --requests --seeds --traces --table"
  })
  void everyCommandExplainsItsOptionsWithExamples(String command, String options) {
    String help = Run.of(command, "--help").text();

    assertThat(help).contains(options.split(" "));
    assertThat(help).contains("Example").contains("samples/run " + command);
  }

  @Test
  void suggestsTheCommandThatWasMeant() {
    Run run = Run.of("genrate", "x");

    assertThat(run.errorLine()).contains("'genrate'", "did you mean generate?");
    assertThat(run.exitCode()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nonsense",
        "--nonsense",
        "generate",
        "generate --max-tokens",
        "generate --max-tokens few text",
        "generate --max-tokens -1 text",
        "generate --max-tokens 0 text",
        "generate --temperature hot text",
        "generate --temperature -1 text",
        "generate --top-p 2 text",
        "generate --kv-type q3 text",
        "generate --kv-type q8_0 text",
        "generate --stats xml text",
        "generate --threads -1 text",
        "generate --context 3 text",
        "generate --batch -1 text",
        "generate --max-token 5 text",
        "generate -x",
        "generate once upon",
        "generate --prompt one two",
        "generate --model nowhere.gguf text",
        "generate --model . text",
        "chat",
        "tokenize",
        "tokenize --model nowhere.gguf text",
        "tokenize --decode",
        "tokenize --decode 1 x",
        "tokenize --decode -1",
        "tokenize --decode 512",
        "tokenize text --decode 1",
        "logits",
        "logits --tokens",
        "logits --tokens ,",
        "logits --tokens one",
        "logits --tokens 512",
        "logits --tokens 1 --top 0",
        "logits --tokens 1 --chunk 0",
        "logits --tokens 1 2 3 --context 2",
        "perplexity",
        "perplexity --file nowhere.txt --window 8",
        "perplexity --file pom.xml",
        "perplexity --file pom.xml --window 1",
        "perplexity --file pom.xml --window 1000000",
        "bench --pp 0 --tg 0",
        "bench --pp -1",
        "bench --pp many",
        "bench --repeat 0",
        "bench --synthetic 1.1b-llama",
        "bench --synthetic 7b-nothing:Q4_0",
        "bench --synthetic 1.1b-llama:Q4_0 --model pom.xml",
        "bench --model nowhere.gguf",
        "inspect",
        "inspect nowhere.gguf",
        "inspect .",
        "study --cells full13",
        "study --jobs 0",
        "study --seeds many",
        "study --cells */*/conv/0.3 --out target/nothing --traces nowhere"
      })
  void whatCannotBeDoneEndsWithOneLine(String commandLine) {
    Run run = Run.of(commandLine.split(" "));

    assertThat(run.errorLine()).hasSizeGreaterThan(20);
    assertThat(run.out()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"generate text --model", "chat --model", "inspect", "tokenize x --model"})
  void fileThatIsNoModelIsNamed(String commandLine, @TempDir Path folder) throws IOException {
    Path empty = Files.createFile(folder.resolve("empty.gguf"));
    Path text = Files.writeString(folder.resolve("text.gguf"), "once upon a time\n".repeat(100));
    for (Path file : new Path[] {empty, text}) {
      Run run = Run.of((commandLine + " " + file).split(" "));

      assertThat(run.errorLine()).contains(file.getFileName().toString());
    }
  }
}

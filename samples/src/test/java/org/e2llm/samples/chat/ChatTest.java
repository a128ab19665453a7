package org.e2llm.samples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import org.e2llm.samples.Run;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Test;

/** {@code chat} with its input piped: a line is a turn. */
class ChatTest {
  @Test
  void modelWithoutAChatFormatIsRefusedBeforeTheFirstTurn() {
    Run run = Run.withInput("hello\n", "chat");

    assertThat(run.errorLine()).contains("stories260K has no chat format", "--model", "generate");
  }

  @Test
  void answersEachLineAndRemembersUntilReset() {
    Run run =
        chat(
            "What is the capital of France?\nAnd of Italy?\n\n/reset\n/help\n"
                + "What is the capital of France?\n/exit\nnever answered\n");

    String[] answers = run.text().split("\n");
    assertThat(answers).hasSize(3);
    assertThat(answers[0]).contains("Paris");
    assertThat(answers[1]).contains("Rome");
    assertThat(answers[2]).isEqualTo(answers[0]);
    assertThat(run.err()).contains("/system TEXT");
  }

  @Test
  void systemTextChangesTheAnswer() {
    String plain = chat("Who are you?\n").text();

    Run pirate = chat("/system You are a pirate named Jack.\nWho are you?\n");

    assertThat(pirate.text()).isNotEqualTo(plain).isNotBlank();
    assertThat(chat("Who are you?\n", "--system", "You are a pirate named Jack.").text())
        .isEqualTo(pirate.text());
  }

  private static Run chat(String input, String... options) {
    String model = Shared.require("models/SmolLM2-135M-Instruct-Q4_1.gguf").toString();
    String[] fixed = {"chat", "--model", model, "--temperature", "0", "--max-tokens", "12"};
    String[] args = new String[fixed.length + options.length];
    System.arraycopy(fixed, 0, args, 0, fixed.length);
    System.arraycopy(options, 0, args, fixed.length, options.length);
    return Run.withInput(input, args);
  }
}

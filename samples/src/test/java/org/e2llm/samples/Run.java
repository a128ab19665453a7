package org.e2llm.samples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.e2llm.samples.console.Console;

/**
 * What a run of the samples left behind.
 *
 * @param exitCode as the shell sees it
 * @param out all of standard output
 * @param err all of standard error
 */
public record Run(int exitCode, String out, String err) {
  /** Runs in this JVM, without input. */
  public static Run of(String... args) {
    return withInput("", args);
  }

  /** Runs in this JVM. */
  public static Run withInput(String input, String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    byte[] in = input.getBytes(StandardCharsets.UTF_8);
    int exitCode = Main.run(new Console(new ByteArrayInputStream(in), out, err), args);
    return new Run(
        exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** Standard output of a run that must have gone well. */
  public String text() {
    assertThat(exitCode).as("exit code; standard error: %s", err).isZero();
    return out;
  }

  /** Lines of standard error. */
  public List<String> errLines() {
    return err.lines().toList();
  }

  public String lastErrLine() {
    assertThat(errLines()).isNotEmpty();
    return errLines().get(errLines().size() - 1);
  }

  /** The one line of standard error of a run that must have failed. */
  public String errorLine() {
    assertThat(exitCode).as("exit code; standard output: %s", out).isNotZero();
    assertThat(errLines()).hasSize(1);
    assertThat(err).startsWith("error: ").endsWith("\n").doesNotContain("\tat ", "Exception");
    return err.strip();
  }
}

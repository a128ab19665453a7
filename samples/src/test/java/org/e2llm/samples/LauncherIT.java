package org.e2llm.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code samples/run} as a newcomer starts it: a process of its own. */
@DisabledOnOs(OS.WINDOWS) // the launcher is a shell script
@Timeout(value = 10, unit = TimeUnit.MINUTES) // a hang must not last; no test asks how fast it is
class LauncherIT {
  private static final Path LAUNCHER = Golden.repository().resolve("samples/run");
  private static final String PROMPT = "Once upon a time";

  /** The first start builds and says so; what the others print is the samples' own. */
  @BeforeAll
  static void build() {
    assertThat(run("--help").exitCode()).isZero();
  }

  @Test
  void streamsAStoryFromAnyFolder(@TempDir Path folder) throws IOException {
    String story = (String) Golden.exact(Golden.stories("once")).get("text");
    ProcessBuilder command =
        command(
            "generate", "--temperature", "0", "--kv-type", "f32", "--max-tokens", "200", PROMPT);

    Run run = finish(command.directory(folder.toFile()).start());

    assertThat(run.text()).isEqualTo(PROMPT + story + "\n");
    assertThat(run.lastErrLine()).contains("stories260K F32", "kernels", "TTFT", "decode");
    assertThat(run.err()).doesNotContain("WARNING");
  }

  @Test
  void usesTheFastKernels() {
    Run run = run("generate", "--stats", "json", "--max-tokens", "2", PROMPT);

    assertThat(Golden.object(Golden.parse(run.lastErrLine())).get("kernels").toString())
        .startsWith("vector");
    assertThat(run.err()).doesNotContain("slow");
  }

  @Test
  void quietLeavesNothingButTheText() {
    Run run = run("generate", "--quiet", "--temperature", "0", "--max-tokens", "9", PROMPT);

    assertThat(run.text()).isEqualTo(", there was a little girl named");
    assertThat(run.err()).isEmpty();
  }

  @Test
  void statsAreTheLastLineOnStandardError() {
    Run run = run("generate", "--quiet", "--stats", "json", "--max-tokens", "4", PROMPT);

    Map<String, Object> stats = Golden.object(Golden.parse(run.err()));
    assertThat(stats).containsEntry("outputTokens", 4).containsEntry("finishReason", "LENGTH");
  }

  @Test
  void errorsAreOneLineAndTheExitCodeTells() {
    assertThat(run("generate", "--model", "nowhere.gguf", "x").errorLine())
        .contains("nowhere.gguf");
    assertThat(run("genrate").errorLine()).contains("did you mean generate?");
    assertThat(run("logits", "--tokens", "one").errorLine()).contains("'one'");
    assertThat(run("inspect", LAUNCHER.toString()).errorLine()).contains("GGUF");
  }

  @Test
  void textIsUtf8WhateverTheLocale() throws IOException {
    // The bytes of "naïve": this JVM may be in a locale that cannot pass the letter on.
    String script = "exec \"$0\" tokenize \"$(printf 'na\\303\\257ve')\"";
    for (String locale : List.of("C", "POSIX", "C.UTF-8")) {
      ProcessBuilder encode = new ProcessBuilder("bash", "-c", script, LAUNCHER.toString());
      encode.environment().put("LC_ALL", locale);
      String ids = finish(encode.start()).text().strip();
      ProcessBuilder decode = command("tokenize", "--decode", ids);
      decode.environment().put("LC_ALL", locale);

      assertThat(finish(decode.start()).text()).as(locale).isEqualTo("naïve");
    }
  }

  @Test
  void readerThatLeavesEndsItQuietly() throws IOException {
    Process process = command("generate", "--quiet", PROMPT).start();
    process.getOutputStream().close();
    CompletableFuture<String> err = read(process.getErrorStream());
    try (InputStream out = process.getInputStream()) {
      assertThat(out.read()).isNotNegative();
    }

    assertThat(err.join()).doesNotContain("error", "Exception");
    assertThat(exitCode(process)).isZero();
  }

  @Test
  void ctrlCKeepsWhatWasGenerated() throws IOException {
    Process process =
        command(
                "generate",
                "--model",
                smolLm(),
                "--stats",
                "json",
                "--temperature",
                "0",
                "--max-tokens",
                "4000",
                PROMPT)
            .start();
    CompletableFuture<String> err = read(process.getErrorStream());
    InputStream out = process.getInputStream();
    String begin = new String(out.readNBytes(PROMPT.length() + 1), StandardCharsets.UTF_8);
    interrupt(process);
    String rest = new String(out.readAllBytes(), StandardCharsets.UTF_8);

    assertThat(exitCode(process)).isEqualTo(130);
    assertThat(begin + rest).startsWith(PROMPT).endsWith("\n");
    String stats = err.join().lines().reduce((a, b) -> b).orElse("");
    assertThat(Golden.object(Golden.parse(stats))).containsEntry("finishReason", "CANCELLED");
  }

  @Test
  void ctrlCStopsTheAnswerNotTheChat() throws IOException {
    Process process =
        command("chat", "--model", smolLm(), "--temperature", "0", "--max-tokens", "3000").start();
    CompletableFuture<String> err = read(process.getErrorStream());
    OutputStream in = process.getOutputStream();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    in.write("Write a very long story about a king.\n".getBytes(StandardCharsets.UTF_8));
    in.flush();
    assertThat(out.read()).isNotNegative();
    interrupt(process);
    in.write("/reset\nWhat is the capital of France?\n".getBytes(StandardCharsets.UTF_8));
    in.close();
    List<String> lines = out.lines().toList();

    assertThat(exitCode(process)).as(err.join()).isZero();
    assertThat(lines).hasSizeGreaterThan(1);
    assertThat(lines.get(lines.size() - 1)).contains("Paris");
  }

  /** Whether it comes while the JVM starts, plans or simulates. */
  @Test
  void ctrlCEndsAPlanInTheMiddleOfItsSimulations(@TempDir Path folder) throws Exception {
    String command =
        "plan --fleet homog8 --model llama3-8b-q4 --workload long-in --requests 20000000 --report "
            + folder.resolve("plan.html");
    Process process = command(command.split(" ")).start();
    CompletableFuture<String> err = read(process.getErrorStream());
    Thread.sleep(4000);
    interrupt(process);

    assertThat(exitCode(process)).isEqualTo(130);
    assertThat(err.join()).isEmpty();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void olderJavaRunsAndSaysWhyItIsSlow() throws IOException {
    ProcessBuilder command = command("generate", "--temperature", "0", "--max-tokens", "9", PROMPT);
    command.environment().put("E2LLM_JAVA_HOME", java17().toString());

    Run run = finish(command.start());

    assertThat(run.text()).isEqualTo(PROMPT + ", there was a little girl named\n");
    assertThat(run.errLines()).hasSize(2);
    assertThat(run.errLines().get(0)).startsWith("slow: scalar kernels").contains("25");
  }

  @Test
  void perplexityAgreesWithTheReferenceEngine() {
    Map<String, Object> opticks = Golden.stories("opticks");
    double expected = ((Number) Golden.exact(opticks).get("perplexity")).doubleValue();

    Run run =
        run(
            "perplexity",
            "--file",
            Golden.opticks().toString(),
            "--window",
            opticks.get("window").toString());

    List<String> lines = run.text().lines().toList();
    assertThat(lines.get(0)).isEqualTo("windows " + opticks.get("windows"));
    assertThat(lines.get(1)).isEqualTo("tokens " + opticks.get("predicted"));
    assertThat(Double.parseDouble(lines.get(3).split(" ")[1]))
        .isCloseTo(expected, within(0.001 * expected));
  }

  private static String smolLm() {
    return Shared.require("models/SmolLM2-135M-Instruct-Q4_1.gguf").toString();
  }

  /** A Java 17 to 24, where one lies in the usual place. */
  private static Path java17() throws IOException {
    Path folder = Path.of("/usr/lib/jvm");
    assumeTrue(Files.isDirectory(folder), "needs a Java 17 in " + folder);
    try (Stream<Path> homes = Files.list(folder)) {
      Path found = homes.filter(home -> feature(home) == 17).sorted().findFirst().orElse(null);
      assumeTrue(found != null, "needs a Java 17 in " + folder);
      return found;
    }
  }

  private static int feature(Path home) {
    Path release = home.resolve("release");
    if (!Files.isReadable(release) || !Files.isExecutable(home.resolve("bin/java"))) {
      return 0;
    }
    try (Stream<String> lines = Files.lines(release)) {
      return lines
          .filter(line -> line.matches("JAVA_VERSION=\"\\d+.*"))
          .map(line -> Integer.valueOf(line.replaceAll("\\D*(\\d+).*", "$1")))
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Run run(String... args) {
    try {
      return finish(command(args).start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ProcessBuilder command(String... args) {
    List<String> command = new ArrayList<>(List.of(LAUNCHER.toString()));
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().remove("E2LLM_TRACE");
    return builder;
  }

  private static Run finish(Process process) throws IOException {
    process.getOutputStream().close();
    CompletableFuture<String> err = read(process.getErrorStream());
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Run(exitCode(process), out, err.join());
  }

  private static CompletableFuture<String> read(InputStream stream) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static int exitCode(Process process) {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  /** What Ctrl-C sends; the launcher has become the JVM, so the process is the right one. */
  private static void interrupt(Process process) throws IOException {
    if (ignoresInterrupts()) {
      process.destroyForcibly();
      assumeTrue(false, "SIGINT is ignored here, as in a background job: there is no Ctrl-C");
    }
    Process kill = new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start();
    assertThat(exitCode(kill)).isZero();
  }

  /** What was ignored when this process began is ignored by those that it starts (Linux tells). */
  private static boolean ignoresInterrupts() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return false;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("SigIgn:")) {
        return (Long.parseUnsignedLong(line.substring(7).trim(), 16) & 2) != 0;
      }
    }
    return false;
  }
}

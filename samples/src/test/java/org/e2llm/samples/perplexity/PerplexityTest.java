package org.e2llm.samples.perplexity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.e2llm.samples.Golden;
import org.e2llm.samples.Run;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code perplexity}: its windows, and what it prints. */
class PerplexityTest {
  @Test
  void windowsFollowEachOtherAndTheIncompleteLastOneIsDropped() {
    Windows windows = new Windows(new int[] {10, 11, 12, 13, 14, 15, 16}, 3, null);

    assertThat(windows.count()).isEqualTo(2);
    assertThat(windows.get(0)).containsExactly(10, 11, 12);
    assertThat(windows.get(1)).containsExactly(13, 14, 15);
  }

  @Test
  void bosComesFirstInsideEachWindow() {
    Windows windows = new Windows(new int[] {10, 11, 12, 13, 14}, 3, 1);

    assertThat(windows.count()).isEqualTo(2);
    assertThat(windows.get(0)).containsExactly(1, 10, 11);
    assertThat(windows.get(1)).containsExactly(1, 12, 13);
  }

  @Test
  void printsWindowsTokensMeanAndPerplexity(@TempDir Path folder) throws IOException {
    String text = Files.readString(Golden.opticks()).substring(0, 2000);
    Path file = Files.writeString(folder.resolve("text.txt"), text);

    Run run = Run.of("perplexity", "--file", file.toString(), "--window", "64");

    List<String> lines = run.text().lines().toList();
    assertThat(lines.stream().map(line -> line.split(" ")[0]))
        .containsExactly("windows", "tokens", "meanNll", "perplexity");
    Map<String, Double> values =
        lines.stream()
            .map(line -> line.split(" "))
            .collect(Collectors.toMap(line -> line[0], line -> Double.parseDouble(line[1])));
    assertThat(values.get("windows")).isGreaterThan(5);
    assertThat(values.get("tokens")).isEqualTo(63 * values.get("windows"));
    assertThat(values.get("perplexity"))
        .isCloseTo(Math.exp(values.get("meanNll")), within(1e-9 * values.get("perplexity")));
    assertThat(values.get("perplexity")).isBetween(10.0, 512.0);
    assertThat(run.lastErrLine()).contains("perplexity", "0 s left");
  }
}

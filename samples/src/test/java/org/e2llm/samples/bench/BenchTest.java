package org.e2llm.samples.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.e2llm.samples.Golden;
import org.e2llm.samples.Run;
import org.junit.jupiter.api.Test;

/** {@code bench}: what it prints; how fast anything is, no test may ask. */
class BenchTest {
  @Test
  void tableHasTheColumnsOfLlamaBench() {
    List<String> lines = bench("--pp", "4,8", "--tg", "2").lines().toList();

    assertThat(lines).hasSize(5);
    assertThat(cells(lines.get(0)))
        .containsExactly("model", "size", "params", "kernels", "threads", "test", "t/s");
    assertThat(lines.subList(2, 5))
        .extracting(line -> cells(line)[5])
        .containsExactly("pp4", "pp8", "tg2");
    assertThat(cells(lines.get(2))[0]).isEqualTo("stories260K F32");
    assertThat(cells(lines.get(2))[1]).isEqualTo("0.99 MiB");
    assertThat(cells(lines.get(2))[2]).isEqualTo("260.03 K");
    assertThat(cells(lines.get(2))[6]).matches("[0-9.]+ ± [0-9.]+");
    assertThat(lines).extracting(String::length).containsOnly(lines.get(0).length());
  }

  @Test
  void jsonHasAnObjectPerTest() {
    List<?> results = (List<?>) Golden.parse(bench("--pp", "4", "--tg", "2", "--json"));

    assertThat(results).hasSize(2);
    for (Object result : results) {
      Map<String, Object> fields = Golden.object(result);
      assertThat(fields.keySet())
          .containsExactly(
              "model",
              "file",
              "sizeBytes",
              "params",
              "kernels",
              "threads",
              "test",
              "tokensPerSecond",
              "stddev");
      assertThat(fields).containsEntry("threads", 1).containsEntry("params", 260_032);
      assertThat(((Number) fields.get("tokensPerSecond")).doubleValue()).isPositive();
      assertThat(fields.get("file").toString()).endsWith("stories260K-F32.gguf");
    }
    assertThat(results)
        .extracting(result -> Golden.object(result).get("test"))
        .containsExactly("pp4", "tg2");
  }

  @Test
  void zeroLeavesAKindOfTestOut() {
    assertThat(bench("--pp", "0", "--tg", "2")).contains("tg2").doesNotContain("pp");
    assertThat(bench("--pp", "2", "--tg", "0")).contains("pp2").doesNotContain("tg");
  }

  @Test
  void severalSessionsAreCountedTogether() {
    List<?> results =
        (List<?>) Golden.parse(bench("--pp", "8", "--tg", "100", "--sessions", "3", "--json"));
    assertThat(results).hasSize(2);
    for (Object result : results) {
      Map<String, Object> fields = Golden.object(result);
      assertThat(fields).containsEntry("sessions", 3).containsEntry("cluster", false);
      assertThat(((Number) fields.get("tokensPerSecond")).doubleValue()).isPositive();
    }
    assertThat(bench("--pp", "0", "--tg", "4", "--sessions", "2")).contains("tg4 x2");
  }

  @Test
  void speedIsTheMeanWithItsSampleDeviation() {
    Speed speed = Speed.of(new double[] {2, 4, 4, 4, 5, 5, 7, 9});

    assertThat(speed.mean()).isEqualTo(5);
    assertThat(speed.deviation()).isCloseTo(2.138, within(0.001));
    assertThat(Speed.of(new double[] {3}).deviation()).isZero();
  }

  private static String bench(String... options) {
    String[] fixed = {"bench", "--threads", "1", "--warm-up", "0", "--repeat", "2"};
    String[] args = new String[fixed.length + options.length];
    System.arraycopy(fixed, 0, args, 0, fixed.length);
    System.arraycopy(options, 0, args, fixed.length, options.length);
    return Run.of(args).text();
  }

  /** The cells of a Markdown row, stripped. */
  private static String[] cells(String row) {
    return row.substring(1).strip().split("\\s*\\|\\s*");
  }
}

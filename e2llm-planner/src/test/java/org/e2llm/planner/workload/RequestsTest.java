package org.e2llm.planner.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.io.IOException;
import java.io.StringReader;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.e2llm.InvalidRequestException;
import org.junit.jupiter.api.Test;

class RequestsTest {
  private static final int MANY = 200_000;

  @Test
  void longInHasTheStatedMediansAndLimits() {
    Requests requests = Requests.poisson(Lengths.LONG_IN, MANY, 1, 1);
    assertThat(median(requests::prompt)).isBetween(2030, 2066);
    assertThat(median(requests::output)).isBetween(63, 65);
    // One standard deviation of the logarithm above the median: e^0.5 times as long.
    assertThat(quantile(requests::prompt, 0.8413)).isBetween(3330, 3420);
    assertWithin(requests, 8, 8192, 2, 2048);
    assertThat(requests.maxTokens(0)).isEqualTo(1024);
  }

  @Test
  void longOutHasTheStatedMediansAndLimits() {
    Requests requests = Requests.poisson(Lengths.LONG_OUT, MANY, 1, 1);
    assertThat(median(requests::prompt)).isBetween(126, 130);
    assertThat(median(requests::output)).isBetween(507, 517);
    assertWithin(requests, 8, 8192, 2, 2048);
    assertThat(requests.maxTokens(0)).isEqualTo(2048);
  }

  @Test
  void uniformTakesEveryLengthAlike() {
    Requests requests = Requests.poisson(Lengths.UNIFORM, MANY, 1, 1);
    assertWithin(requests, 8, 2048, 2, 512);
    assertThat(IntStream.range(0, MANY).map(requests::prompt).average().orElse(0))
        .isBetween(1024.0, 1032.0);
    assertThat(IntStream.range(0, MANY).map(requests::output).average().orElse(0))
        .isBetween(255.5, 258.5);
    assertThat(IntStream.range(0, MANY).map(requests::output).min()).hasValue(2);
    assertThat(IntStream.range(0, MANY).map(requests::output).max()).hasValue(512);
  }

  @Test
  void poissonGapsHaveTheAskedMeanAndVaryAsMuch() {
    Requests requests = Requests.poisson(Lengths.UNIFORM, MANY, 4, 9);
    double mean = requests.arrival(MANY - 1) / MANY;
    assertThat(mean).isBetween(0.248, 0.252);
    double squares = 0;
    for (int i = 1; i < MANY; i++) {
      double gap = requests.arrival(i) - requests.arrival(i - 1);
      assertThat(gap).isNotNegative();
      squares += (gap - mean) * (gap - mean);
    }
    assertThat(Math.sqrt(squares / MANY) / mean).isBetween(0.98, 1.02);
  }

  @Test
  void asManyComeAtEachOfSeveralRatesOneAfterTheOther() {
    Requests requests =
        Requests.poisson(Lengths.constant(10, 10), 20_000, new double[] {0.5, 4}, 7);
    double changed = requests.arrival(10_000);
    assertThat(10_000 / changed).isCloseTo(0.5, withinPercentage(5));
    assertThat(10_000 / (requests.arrival(19_999) - changed)).isCloseTo(4, withinPercentage(5));
    for (int i = 1; i < requests.size(); i++) {
      assertThat(requests.arrival(i)).isGreaterThanOrEqualTo(requests.arrival(i - 1));
    }
  }

  @Test
  void aSeedGivesTheSameRequestsAtEveryRate() {
    Requests slow = Requests.poisson(Lengths.LONG_IN, 100, 1, 5);
    Requests fast = Requests.poisson(Lengths.LONG_IN, 100, 2, 5);
    Requests atOnce = Requests.atOnce(Lengths.LONG_IN, 100, 5);
    for (int i = 0; i < 100; i++) {
      assertThat(fast.prompt(i)).isEqualTo(slow.prompt(i)).isEqualTo(atOnce.prompt(i));
      assertThat(fast.output(i)).isEqualTo(slow.output(i)).isEqualTo(atOnce.output(i));
      assertThat(2 * fast.arrival(i)).isEqualTo(slow.arrival(i));
      assertThat(atOnce.arrival(i)).isZero();
    }
    assertThat(Requests.poisson(Lengths.LONG_IN, 100, 1, 6).prompt(0)).isNotEqualTo(slow.prompt(0));
  }

  @Test
  void replayKeepsOrderAndProportionsOfTheGaps() throws IOException {
    StringBuilder csv = new StringBuilder("TIMESTAMP,ContextTokens,GeneratedTokens\n");
    for (int i = 0; i < 50; i++) {
      csv.append(i * i).append(',').append(100 + i).append(",5\n");
    }
    Trace trace = Trace.read("squares", new StringReader(csv.toString()));
    Requests requests = Requests.replay(trace, 120, 2, 3);
    assertThat(requests.arrival(0)).isZero();
    assertThat(requests.arrival(119))
        .isCloseTo(119 / 2.0, org.assertj.core.data.Offset.offset(1e-9));
    int row = requests.prompt(0) - 100;
    double scale = Double.NaN;
    for (int i = 1; i < 120; i++) {
      int next = (row + 1) % 50;
      assertThat(requests.prompt(i)).isEqualTo(100 + next);
      double gap = requests.arrival(i) - requests.arrival(i - 1);
      if (next != 0) {
        double recorded = next * next - row * row;
        scale = Double.isNaN(scale) ? gap / recorded : scale;
        assertThat(gap).isCloseTo(recorded * scale, org.assertj.core.data.Offset.offset(1e-9));
      }
      row = next;
    }
  }

  @Test
  void whoeverWantsMoreThanTheUsualLimitSaysSo() {
    Requests requests = Requests.poisson(Lengths.constant(10, 1500), 1, 1, 1);
    assertThat(requests.maxTokens(0)).isEqualTo(1500);
    assertThat(Requests.poisson(Lengths.constant(10, 7), 1, 1, 1).maxTokens(0)).isEqualTo(1024);
  }

  @Test
  void ratesAndCountsThatMakeNoSenseAreRefused() {
    for (double rate : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> Requests.poisson(Lengths.UNIFORM, 10, rate, 1))
          .isInstanceOf(InvalidRequestException.class)
          .hasMessageContaining("rate");
    }
    assertThatThrownBy(() -> Requests.poisson(Lengths.UNIFORM, 0, 1, 1))
        .isInstanceOf(InvalidRequestException.class);
  }

  private static int median(IntUnaryOperator lengths) {
    return quantile(lengths, 0.5);
  }

  private static int quantile(IntUnaryOperator lengths, double share) {
    int[] sorted = IntStream.range(0, MANY).map(lengths).sorted().toArray();
    return sorted[(int) (share * MANY)];
  }

  private static void assertWithin(
      Requests requests, int minIn, int maxIn, int minOut, int maxOut) {
    int[] prompts = IntStream.range(0, MANY).map(requests::prompt).toArray();
    int[] outputs = IntStream.range(0, MANY).map(requests::output).toArray();
    assertThat(Arrays.stream(prompts).min().orElse(0)).isGreaterThanOrEqualTo(minIn);
    assertThat(Arrays.stream(prompts).max().orElse(0)).isLessThanOrEqualTo(maxIn);
    assertThat(Arrays.stream(outputs).min().orElse(0)).isGreaterThanOrEqualTo(minOut);
    assertThat(Arrays.stream(outputs).max().orElse(0)).isLessThanOrEqualTo(maxOut);
  }
}

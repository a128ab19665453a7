package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Offset;
import org.e2llm.plan.Slo;
import org.junit.jupiter.api.Test;

class StepTimesTest {
  private static final Offset<Double> CLOSE = within(0.02);

  @Test
  void whatWasNeverSeenTakesNoTime() {
    StepTimes times = new StepTimes();
    assertThat(times.seconds(512, 0)).isZero();
    assertThat(times.seconds(0, 4)).isZero();
    assertThat(times.knowsDecode()).isFalse();
  }

  @Test
  void oneLengthOfPromptLetsOthersExpectTheirShare() {
    StepTimes times = new StepTimes();
    times.see(100, 0, 1.0);
    assertThat(times.seconds(100, 0)).isCloseTo(1, CLOSE);
    assertThat(times.seconds(50, 0)).isCloseTo(0.5, CLOSE);
  }

  @Test
  void oneSessionAloneLetsTwoExpectHalfAsMuchMore() {
    StepTimes times = new StepTimes();
    times.see(0, 1, 0.2);
    assertThat(times.seconds(0, 1)).isCloseTo(0.2, CLOSE);
    assertThat(times.seconds(0, 2)).isCloseTo(0.3, CLOSE);
  }

  @Test
  void whatDiffersIsLearned() {
    StepTimes times = new StepTimes();
    for (int i = 0; i < 40; i++) {
      int rows = 1 + i % 5;
      times.see(0, rows, 0.1 + 0.01 * rows);
      times.see(100 * rows, 0, 0.1 + 0.002 * 100 * rows);
    }
    assertThat(times.seconds(0, 8)).isCloseTo(0.18, CLOSE);
    assertThat(times.seconds(400, 0)).isCloseTo(0.9, CLOSE);
    assertThat(times.seconds(200, 3)).isCloseTo(0.53, CLOSE);
  }

  @Test
  void theFirstStepsOfAColdMachineAreForgotten() {
    StepTimes times = new StepTimes();
    for (int i = 0; i < 5; i++) {
      times.see(100, 0, 30);
    }
    for (int i = 0; i < 100; i++) {
      times.see(100, 0, 1);
    }
    assertThat(times.seconds(100, 0)).isBetween(1.0, 1.1);
  }

  @Test
  void manyDecodeStepsDoNotMakeItForgetPrompts() {
    StepTimes times = new StepTimes();
    times.see(100, 0, 1);
    for (int i = 0; i < 1000; i++) {
      times.see(0, 1, 0.1);
    }
    assertThat(times.seconds(100, 0)).isCloseTo(1, CLOSE);
  }

  private static MeasuredEstimates estimates(double tpot) {
    HostLimits limits = new HostLimits(1000, 1, 1000, 10, new Slo(Double.POSITIVE_INFINITY, tpot));
    return new MeasuredEstimates(64, 1, limits);
  }

  @Test
  void besideDecodingPromptsHaveAsManyRowsAsTheTpotLeaves() {
    MeasuredEstimates estimates = estimates(0.2);
    assertThat(estimates.limits(1).mixedRows()).as("nothing is known").isEqualTo(64);
    for (int i = 0; i < 9; i++) {
      assertThat(estimates.observed(0, 1, 0.1, 0.1)).isFalse();
      assertThat(estimates.observed(64, 0, 0.64, 0.64)).isEqualTo(i == 0);
    }
    assertThat(estimates.limits(0).mixedRows()).isEqualTo(64);
    assertThat(estimates.limits(1).mixedRows()).isBetween(7, 9);
    assertThat(estimates.limits(2).mixedRows()).isBetween(1, 4);
    assertThat(estimates.limits(3).mixedRows()).as("a few all the same").isBetween(1, 4);
    assertThat(estimates.limits(9).mixedRows()).as("too late in any case").isEqualTo(64);
  }

  @Test
  void withoutATpotPromptsFillWholeBatches() {
    MeasuredEstimates estimates = estimates(Double.POSITIVE_INFINITY);
    boolean unused = estimates.observed(0, 1, 0.1, 0.1);
    unused = estimates.observed(64, 0, 0.64, 0.64);
    assertThat(estimates.limits(1).mixedRows()).isEqualTo(64);
    assertThat(estimates.prefillSeconds(0, 160, 0)).isCloseTo(1.6, CLOSE);
    assertThat(estimates.prefillSeconds(0, 64, 1)).isGreaterThan(0.64);
  }
}

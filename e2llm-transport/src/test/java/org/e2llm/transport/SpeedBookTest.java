package org.e2llm.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.DeviceSpeed;
import org.e2llm.plan.Nic;
import org.junit.jupiter.api.Test;

/** When plans hear that a device is faster or slower than it was measured. */
class SpeedBookTest {
  private static final long SECOND = 1_000_000_000L;
  private static final DeviceProfile MEASURED =
      new DeviceProfile("a", "a", 1e11, 1e10, 2e10, 1e-4, 1L << 30, true, Nic.GIGABIT_ETHERNET);

  private final SpeedBook book = new SpeedBook(MEASURED);
  private long now;

  @Test
  void whatTakesTwiceAsLongForFiveSecondsIsHalfAsFast() {
    assertThat(seconds(4, 2)).isNull();
    DeviceProfile corrected = seconds(1, 2);
    assertThat(corrected).isEqualTo(MEASURED.withSpeed(1e11, 5e9, 1e10, 1e-4));
    assertThat(book.profile()).isEqualTo(corrected);
  }

  @Test
  void promptsAreJudgedApart() {
    assertThat(prompts(4, 2)).isNull();
    assertThat(seconds(10, 1)).as("in which no prompt was computed").isNull();
    assertThat(prompts(1, 2)).isEqualTo(MEASURED.withSpeed(5e10, 1e10, 2e10, 1e-4));
    assertThat(seconds(5, 2)).isEqualTo(MEASURED.withSpeed(5e10, 5e9, 1e10, 1e-4));
  }

  @Test
  void waveringIsNotMovement() {
    for (int i = 0; i < 20; i++) {
      assertThat(seconds(4, 2)).isNull();
      assertThat(seconds(1, i % 2 == 0 ? 1.1 : 0.5)).isNull();
    }
  }

  @Test
  void afterOneCorrectionTheNextWaitsHalfAMinute() {
    assertThat(seconds(5, 0.01).decodeFlops()).isCloseTo(1e12, offset(1e6));
    assertThat(seconds(29, 3)).isNull();
    assertThat(seconds(1, 3)).isNotNull();
  }

  @Test
  void aSecondMeasurementCountsIfItDiffers() {
    assertThat(book.measured(new DeviceSpeed(1.1e11, 1e10, 2e10, 1e-4, true))).isNull();
    assertThat(book.measured(new DeviceSpeed(4e11, 2e10, 2e10, 1e-5, true)))
        .isEqualTo(MEASURED.withSpeed(4e11, 2e10, 2e10, 1e-5));
    seconds(5, 4);
    assertThat(book.measured(new DeviceSpeed(4e11, 2e10, 2e10, 1e-5, true)))
        .as("what steps have shown stays")
        .isNull();
  }

  /** The last answer of so many seconds in a row, in which nothing was said before it. */
  private DeviceProfile seconds(int count, double residual) {
    DeviceProfile last = null;
    for (int i = 0; i < count; i++) {
      assertThat(last).isNull();
      now += SECOND;
      last = book.observe(new StageReports.Residuals(residual, 0), now);
    }
    return last;
  }

  private DeviceProfile prompts(int count, double residual) {
    DeviceProfile last = null;
    for (int i = 0; i < count; i++) {
      now += SECOND;
      last = book.observe(new StageReports.Residuals(1, residual), now);
    }
    return last;
  }
}

package org.e2llm.transport.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class RateMeterTest {
  private static final long MS = 1_000_000;

  @Test
  void aLinkThatIsAlwaysFullShowsItsRate() {
    RateMeter meter = new RateMeter();
    long bytes = 0;
    for (long now = 0; now < 2000 * MS; now += 10 * MS) {
      bytes += 1_000_000;
      meter.wrote(true, bytes, now);
    }
    assertThat(meter.bytesPerSecond()).isCloseTo(100e6, within(5e6));
  }

  @Test
  void aSenderWithPausesSaysNothingAboutTheLink() {
    RateMeter meter = new RateMeter();
    long bytes = 0;
    for (long now = 0; now < 2000 * MS; now += 10 * MS) {
      bytes += 100_000;
      meter.wrote(false, bytes, now);
    }
    assertThat(meter.bytesPerSecond()).isZero();
  }

  @Test
  void pausesBetweenFullStretchesDoNotCount() {
    RateMeter meter = new RateMeter();
    long bytes = 0;
    long now = 0;
    for (int burst = 0; burst < 10; burst++) {
      for (int i = 0; i <= 10; i++) {
        meter.wrote(i < 10, bytes, now);
        now += 10 * MS;
        bytes += 1_000_000;
      }
      now += 10_000 * MS;
    }
    assertThat(meter.bytesPerSecond()).isCloseTo(100e6, within(5e6));
  }

  @Test
  void shortStretchesAndFewBytesDoNotCount() {
    RateMeter meter = new RateMeter();
    meter.wrote(true, 0, 0);
    meter.wrote(false, 100 << 20, 19 * MS);
    meter.wrote(true, 100 << 20, 30 * MS);
    meter.wrote(false, (100 << 20) + 1000, 130 * MS);
    assertThat(meter.bytesPerSecond()).isZero();
  }
}

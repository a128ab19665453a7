package org.e2llm.transport.net;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HeartbeatTest {
  private static final long MS = 1_000_000;

  @Test
  void aPingIsDueEachInterval() {
    Heartbeat heartbeat = new Heartbeat(500 * MS, 0);
    assertThat(heartbeat.dueIn(0)).isZero();
    heartbeat.ping(3 * MS);
    assertThat(heartbeat.dueIn(3 * MS)).isEqualTo(500 * MS);
    assertThat(heartbeat.dueIn(503 * MS)).isZero();
    assertThat(heartbeat.dueIn(600 * MS)).isNegative();
  }

  @Test
  void roundTripIsSmoothedAndTheShortestKept() {
    Heartbeat heartbeat = new Heartbeat(500 * MS, 0);
    assertThat(heartbeat.pong(heartbeat.ping(0), 8 * MS)).isEqualTo(8 * MS);
    assertThat(heartbeat.pong(heartbeat.ping(500 * MS), 516 * MS)).isEqualTo(16 * MS);
    assertThat(heartbeat.smoothedNanos()).isEqualTo(9 * MS);
    assertThat(heartbeat.shortestNanos()).isEqualTo(8 * MS);
  }

  @Test
  void aRoundTripLongerThanTheIntervalIsMeasuredToo() {
    Heartbeat heartbeat = new Heartbeat(500 * MS, 0);
    long first = heartbeat.ping(0);
    heartbeat.ping(500 * MS);
    heartbeat.ping(1000 * MS);
    assertThat(heartbeat.pong(first, 1200 * MS)).isEqualTo(1200 * MS);
  }

  @Test
  void pongsWithoutAPingAreNoMeasurement() {
    Heartbeat heartbeat = new Heartbeat(500 * MS, 0);
    assertThat(heartbeat.pong(0, 1)).isEqualTo(-1);
    for (int i = 0; i < 40; i++) {
      heartbeat.ping(i);
    }
    assertThat(heartbeat.pong(-1, 1)).isEqualTo(-1);
    assertThat(heartbeat.pong(40, 1)).isEqualTo(-1);
    assertThat(heartbeat.pong(Long.MAX_VALUE, 1)).isEqualTo(-1);
    assertThat(heartbeat.pong(20, 1)).isEqualTo(-1);
    assertThat(heartbeat.shortestNanos()).isZero();
  }
}

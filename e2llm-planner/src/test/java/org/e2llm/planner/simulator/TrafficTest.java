package org.e2llm.planner.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Offset;
import org.e2llm.plan.Network;
import org.e2llm.plan.Nic;
import org.junit.jupiter.api.Test;

/** 100 bytes per second on cables, 10 on the air. */
class TrafficTest {
  private static final Nic CABLE = new Nic(100, 0.5, null);
  private static final Nic AIR = new Nic(10, 0, "air");
  private static final Offset<Double> EXACT = Offset.offset(1e-9);

  private final Network network =
      Fixtures.network(
          Fixtures.device("a", 1, 1, CABLE),
          Fixtures.device("b", 1, 1, CABLE),
          Fixtures.device("c", 1, 1, CABLE),
          Fixtures.device("x", 1, 1, AIR),
          Fixtures.device("y", 1, 1, AIR));
  private final Traffic traffic = new Traffic(network, new Interfaces(network));

  @Test
  void aTransferTakesItsBytesAndTheLatency() {
    assertThat(traffic.sendHidden(traffic.path(0, 1), 200, 7)).isCloseTo(9.5, EXACT);
    assertThat(traffic.sendKv(traffic.path(1, 0), 200, 7, new Traffic.Bulk()))
        .isCloseTo(9.5, EXACT);
  }

  @Test
  void transfersFromOneDeviceWaitForEachOtherAndThoseTheOtherWayDoNot() {
    assertThat(traffic.sendKv(traffic.path(0, 1), 100, 0, new Traffic.Bulk()))
        .isCloseTo(1.5, EXACT);
    assertThat(traffic.sendKv(traffic.path(0, 2), 100, 0, new Traffic.Bulk()))
        .isCloseTo(2.5, EXACT);
    assertThat(traffic.sendKv(traffic.path(2, 1), 100, 0, new Traffic.Bulk()))
        .isCloseTo(2.5, EXACT);
    assertThat(traffic.sendKv(traffic.path(1, 0), 100, 0, new Traffic.Bulk()))
        .isCloseTo(1.5, EXACT);
  }

  @Test
  void everybodyOnAMediumWaitsForEverybodyElse() {
    assertThat(traffic.sendHidden(traffic.path(3, 4), 100, 0)).isCloseTo(10, EXACT);
    assertThat(traffic.sendHidden(traffic.path(4, 3), 100, 0)).isCloseTo(20, EXACT);
    assertThat(traffic.sendHidden(traffic.path(0, 3), 10, 0)).isCloseTo(21.5, EXACT);
  }

  @Test
  void aFastInterfaceServesOthersBesideASlowLink() {
    assertThat(traffic.sendKv(traffic.path(0, 3), 100, 0, new Traffic.Bulk()))
        .isCloseTo(10.5, EXACT);
    assertThat(traffic.sendKv(traffic.path(0, 1), 100, 0, new Traffic.Bulk()))
        .isCloseTo(2.5, EXACT);
  }

  @Test
  void hiddenStatesGoFirstAndKvIsPutOffByThem() {
    Traffic.Bulk first = new Traffic.Bulk();
    Traffic.Bulk second = new Traffic.Bulk();
    double arrival = traffic.sendKv(traffic.path(0, 1), 400, 0, first);
    double behind = traffic.sendKv(traffic.path(0, 1), 100, 0, second);
    assertThat(arrival).isCloseTo(4.5, EXACT);
    assertThat(behind).isCloseTo(5.5, EXACT);
    assertThat(traffic.sendHidden(traffic.path(0, 1), 200, 1)).isCloseTo(3.5, EXACT);
    double late = traffic.lateSeconds(first, arrival);
    assertThat(late).isCloseTo(1.5, EXACT); // less the latency, in which nothing is sent
    assertThat(traffic.lateSeconds(first, arrival + late)).isZero();
    assertThat(traffic.lateSeconds(second, behind)).isCloseTo(1.5, EXACT);
    assertThat(traffic.mostBusySeconds()).isCloseTo(7, EXACT);
  }
}

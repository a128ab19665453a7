package org.e2llm.transport;

import static org.assertj.core.api.Assertions.assertThat;

import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Nic;
import org.junit.jupiter.api.Test;

/** How measured links become part of a fleet. */
class PlanDeskTest {
  private static final DeviceProfile A = device("a", Nic.GIGABIT_ETHERNET);
  private static final DeviceProfile B = device("b", Nic.WIFI);

  @Test
  void ofTwoMeasurementsTheWorseCounts() {
    LinkProfile link =
        PlanDesk.link(A, B, new LinkBook.Figures(9e7, 1e-4), new LinkBook.Figures(5e7, 3e-4));
    assertThat(link).isEqualTo(new LinkProfile("a", "b", 5e7, 3e-4, "wifi"));
  }

  @Test
  void oneMeasurementIsEnough() {
    assertThat(PlanDesk.link(A, B, null, new LinkBook.Figures(5e7, 3e-4)).bytesPerSecond())
        .isEqualTo(5e7);
  }

  @Test
  void withoutAnyTheInterfacesCount() {
    assertThat(PlanDesk.link(A, B, null, null)).isNull();
  }

  private static DeviceProfile device(String id, Nic nic) {
    return new DeviceProfile(id, id, 1e11, 1e10, 2e10, 1e-4, 1L << 30, true, nic);
  }
}

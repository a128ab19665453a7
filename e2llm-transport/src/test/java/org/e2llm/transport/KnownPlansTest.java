package org.e2llm.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.StagePlan;
import org.e2llm.testing.FakeEngine;
import org.e2llm.transport.stage.Ring;
import org.e2llm.transport.stage.RingGate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which rings may be set up here, and what of the memory offered is left for their journals. */
class KnownPlansTest {
  private static final PlannedFor MODEL =
      new PlannedFor("fake", "", 3, KvType.F32, 512, Arithmetic.F32);

  private static final Plan PLAN =
      Plan.own(
          MODEL,
          List.of(new StagePlan("a", LayerRange.of(0, 1)), new StagePlan("b", LayerRange.of(1, 3))),
          100);

  private static final Ring RING =
      new Ring(1, PLAN.order(), PLAN.replicas().get(0).stages(), HiddenType.F32);

  private static KnownPlans plans(long offered) {
    return new KnownPlans("b", FakeEngine.spec(512), KvType.F32, offered, 50 * 24);
  }

  @Test
  void aRingWaitsForItsPlanAndForTheBytesOfThat() {
    KnownPlans plans = plans(10_000);
    assertThat(plans.refusal(RING)).contains("has not adopted");
    assertThat(plans.room(RING)).isEqualTo(new RingGate.Room(0, 0));
    plans.adopt(PLAN);
    assertThat(plans.refusal(RING)).contains("still fetches");
    plans.fetched(PLAN.order());
    assertThat(plans.refusal(RING)).isNull();
  }

  /**
   * Two layers and the head are 3 bytes, their KV is 16 and the journal 16 bytes a token. Rings
   * that begin here may cache no more than the app allows: 50 tokens of 24 bytes over all layers.
   */
  @ParameterizedTest
  @CsvSource({"100, 0", "1603, 0", "2603, 1000", "100000, 1600"})
  void journalsGetWhatWeightsAndKvLeave(long offered, long journals) {
    KnownPlans plans = plans(offered);
    plans.adopt(PLAN);
    assertThat(plans.room(RING)).isEqualTo(new RingGate.Room(50, journals));
  }
}

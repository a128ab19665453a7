package org.e2llm.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.junit.jupiter.api.Test;

/** Who takes the layers of devices that are gone, so that nothing needs to be fetched. */
class PlanPatchTest {
  private static final PlannedFor MODEL =
      new PlannedFor("m", "", 12, KvType.F16, 64, Arithmetic.F32);

  private final Plan plan =
      Plan.own(MODEL, List.of(stage("a", 0, 4), stage("b", 4, 8), stage("c", 8, 12)), 64);

  @Test
  void aWholePlanNeedsNone() {
    assertThat(PlanPatch.of(plan, Map.of("a", all(), "b", all(), "c", all()))).isEmpty();
  }

  @Test
  void neighboursAndSparesTakeLostLayersAsFarAsTheyHaveTheirBytes() {
    Map<String, Holding> there =
        new TreeMap<>(Map.of("a", part(0, 7), "c", part(5, 12), "d", part(4, 8), "e", part(4, 7)));
    assertThat(PlanPatch.of(plan, there))
        .extracting(PlanPatchTest::stages)
        .containsExactlyInAnyOrder(
            List.of(stage("a", 0, 5), stage("c", 5, 12)),
            List.of(stage("a", 0, 6), stage("c", 6, 12)),
            List.of(stage("a", 0, 7), stage("c", 7, 12)),
            List.of(stage("a", 0, 4), stage("d", 4, 8), stage("c", 8, 12)));
  }

  @Test
  void twoNeighboursThatDieTogetherAreOneGap() {
    assertThat(PlanPatch.of(plan, Map.of("a", part(0, 4), "d", part(4, 12))))
        .extracting(PlanPatchTest::stages)
        .containsExactly(List.of(stage("a", 0, 4), stage("d", 4, 12)));
    assertThat(PlanPatch.of(plan, Map.of("a", part(0, 4), "d", part(4, 11)))).isEmpty();
  }

  @Test
  void aDeviceWithBothEndsKeepsThemOrHasItAll() {
    Plan ends =
        Plan.own(MODEL, List.of(stage("a", 0, 2), stage("b", 2, 10), stage("a", 10, 12)), 64);
    Map<String, Holding> there = new TreeMap<>(Map.of("a", all(), "c", part(2, 10)));
    assertThat(PlanPatch.of(ends, there))
        .extracting(PlanPatchTest::stages)
        .containsExactlyInAnyOrder(
            List.of(stage("a", 0, 12)),
            List.of(stage("a", 0, 2), stage("c", 2, 10), stage("a", 10, 12)));
    there.put("a", part(0, 9));
    assertThat(PlanPatch.of(ends, there))
        .extracting(PlanPatchTest::stages)
        .containsExactly(List.of(stage("a", 0, 2), stage("c", 2, 10), stage("a", 10, 12)));
  }

  @Property
  void whatIsMendedServesAtOnceOnDevicesThatAreThere(@ForAll("holdings") List<LayerRange> has) {
    Map<String, Holding> there = new TreeMap<>();
    List<String> names = List.of("a", "b", "c", "d", "e");
    for (int i = 0; i < has.size(); i++) {
      LayerRange own = i < 3 ? LayerRange.of(4 * i, 4 * i + 4) : has.get(i);
      if (has.get(i).size() > 0) {
        there.put(names.get(i), new Holding("", false, 1, List.of(own, has.get(i))));
      }
    }
    for (Plan mended : PlanPatch.of(plan, there)) {
      assertThat(PlanPatch.servesAtOnce(mended, there)).as("%s by %s", mended, there).isTrue();
      for (StagePlan before : stages(plan)) {
        for (StagePlan after : stages(mended)) {
          boolean same = before.device().equals(after.device());
          assertThat(!same || after.layers().contains(before.layers()))
              .as("survivors keep their layers: %s", mended)
              .isTrue();
        }
      }
    }
  }

  @Provide
  Arbitrary<List<LayerRange>> holdings() {
    return Arbitraries.integers()
        .between(0, 12)
        .list()
        .ofSize(10)
        .map(
            ends -> {
              List<LayerRange> ranges = new ArrayList<>();
              for (int i = 0; i < 10; i += 2) {
                ranges.add(
                    LayerRange.of(
                        Math.min(ends.get(i), ends.get(i + 1)),
                        Math.max(ends.get(i), ends.get(i + 1))));
              }
              return ranges;
            });
  }

  private static List<StagePlan> stages(Plan of) {
    List<StagePlan> stages = new ArrayList<>();
    for (ReplicaPlan replica : of.replicas()) {
      stages.addAll(replica.stages());
    }
    return stages;
  }

  private static Holding all() {
    return new Holding("", true, 0, List.of());
  }

  private static Holding part(int from, int to) {
    return new Holding("", false, 1, List.of(LayerRange.of(from, to)));
  }

  private static StagePlan stage(String device, int from, int to) {
    return new StagePlan(device, LayerRange.of(from, to));
  }
}

package org.e2llm.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Comparator;
import java.util.List;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.KeptEnds;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanCodec;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.Workload;
import org.e2llm.planner.catalog.KnownFleets;
import org.e2llm.planner.catalog.KnownModels;
import org.e2llm.planner.cost.PlannedModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A device keeps both ends of a model, others compute what is between them. */
class EndsPlannerTest {
  private static final ModelSpec QWEN = KnownModels.get("qwen25-32b-q4");
  private static final ModelSpec LLAMA = KnownModels.get("llama3-8b-q4");
  private static final KeptEnds ENDS = new KeptEnds(3, 2);

  private final Planner planner = new Planner();

  private static Workload workload(int sessions) {
    return Workload.concurrent(List.of(new Workload.Lengths(300, 200)), sessions);
  }

  private Plan plan(ModelSpec model, Fleet fleet, PlanOptions options, Workload workload) {
    return planner.plan(model, fleet, workload, Slo.NONE, options, PlanListener.NONE);
  }

  private static PlanOptions keeping(String device, KeptEnds ends) {
    return PlanOptions.builder().strategy("single-pipeline").keepEnds(device, ends).build();
  }

  @ParameterizedTest
  @CsvSource({"full12, 1", "mid10, 1", "weak10, 1", "homog8, 1", "full12, 8", "weak10, 8"})
  void theChainBeginsAndEndsOnTheDevice(String name, int sessions) {
    Fleet fleet = KnownFleets.get(name);
    Workload workload = workload(sessions);
    for (DeviceProfile device : fleet.devices()) {
      if (device.memoryBytes() < 4L << 30) {
        continue;
      }
      PlanOptions options = keeping(device.id(), ENDS);
      Plan plan = plan(QWEN, fleet, options, workload);

      assertThat(plan.replicas()).hasSize(1);
      List<StagePlan> stages = plan.replicas().get(0).stages();
      assertThat(ENDS.areKept(plan.replicas().get(0), device.id())).as("%s", stages).isTrue();
      if (stages.size() > 1) {
        assertThat(stages.get(0).layers()).isEqualTo(ENDS.front());
        assertThat(stages.get(stages.size() - 1).layers()).isEqualTo(ENDS.back(QWEN.layerCount()));
        PlannedModel model = new PlannedModel(QWEN, options.kvType());
        long needed = 0;
        for (StagePlan stage : List.of(stages.get(0), stages.get(stages.size() - 1))) {
          long tokens = plan.replicas().get(0).kvTokens();
          needed += model.memoryBytes(stage.layers().from(), stage.layers().to(), tokens);
        }
        assertThat(needed).isLessThanOrEqualTo(device.memoryBytes());
      }
      assertThat(plan.placements())
          .extracting(Placement::device)
          .containsExactlyElementsOf(fleet.devices().stream().map(DeviceProfile::id).toList());
      assertThat(plan.placements())
          .allSatisfy(place -> assertThat(place.reason()).endsWith(".").doesNotContain("*"));
      assertThat(PlanCodec.parse(PlanCodec.toJson(plan))).isEqualTo(plan);
      assertThat(planner.judge(plan, QWEN, fleet, workload, Slo.NONE, options)).isEqualTo(plan);
    }
  }

  @Test
  void aDeviceThatIsQuickerAloneStaysAlone() {
    Fleet fleet = KnownFleets.get("full12");
    DeviceProfile fastest =
        fleet.devices().stream()
            .max(Comparator.comparingDouble(DeviceProfile::memoryBandwidth))
            .orElseThrow();
    Plan plan = plan(LLAMA, fleet, keeping(fastest.id(), ENDS), workload(1));
    assertThat(plan.replicas().get(0).stages())
        .containsExactly(new StagePlan(fastest.id(), LLAMA.layers()));
    assertThat(plan.placements())
        .filteredOn(place -> !place.placed())
        .allSatisfy(place -> assertThat(place.reason()).startsWith("Left out"));
  }

  @Test
  void thePlanOfAnotherDeviceIsNoneForIt() {
    Fleet fleet = KnownFleets.get("homog8");
    String first = fleet.devices().get(0).id();
    String second = fleet.devices().get(1).id();
    Plan plan = plan(QWEN, fleet, keeping(first, ENDS), workload(1));
    PlanOptions other = keeping(second, ENDS);
    assertThatThrownBy(() -> planner.judge(plan, QWEN, fleet, workload(1), Slo.NONE, other))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining(second + " keeps 3 layers at the beginning and 2 at the end");
  }

  @Test
  void endsThatDoNotFitAreAnErrorThatSaysWhatIsMissing() {
    Fleet fleet = KnownFleets.get("homog8");
    DeviceProfile first = fleet.devices().get(0);
    KeptEnds most = new KeptEnds(20, 20);
    Fleet small =
        new Fleet(
            fleet.name(),
            fleet.devices().stream()
                .map(each -> each.id().equals(first.id()) ? each.withMemory(2L << 30) : each)
                .toList(),
            fleet.links());
    assertThatThrownBy(() -> plan(QWEN, small, keeping(first.id(), most), workload(1)))
        .isInstanceOf(InfeasiblePlanException.class)
        .hasMessageContaining(first.id() + " keeps 20 layers at the beginning and 20 at the end")
        .satisfies(
            error -> assertThat(((InfeasiblePlanException) error).missingBytes()).isPositive());
    assertThatThrownBy(() -> plan(QWEN, fleet, keeping("gone", ENDS), workload(1)))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("gone keeps the ends of the model");
  }
}

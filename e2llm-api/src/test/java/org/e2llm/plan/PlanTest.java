package org.e2llm.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.e2llm.InvalidRequestException;
import org.e2llm.PlanFormatException;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.junit.jupiter.api.Test;

/** What is no plan, no device, no workload is refused, and the error says what is wrong. */
class PlanTest {
  private static final ReplicaPlan.Expected EXPECTED = new ReplicaPlan.Expected(1, 0.1, 1, 10);

  @Test
  void stagesFollowEachOther() {
    assertThatThrownBy(() -> replica(Role.MIXED, stage("a", 0, 4), stage("b", 5, 8)))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("stage of b has layers [5, 8)")
        .hasMessageContaining("layer 4");
    assertThatThrownBy(() -> replica(Role.MIXED, stage("a", 1, 8)))
        .hasMessageContaining("begin with layer 0");
  }

  @Test
  void everyReplicaHoldsTheWholeModel() {
    assertThatThrownBy(() -> plan(replica(Role.MIXED, stage("a", 0, 7))))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("has 8 layers");
  }

  @Test
  void aDeviceHostsOneStage() {
    assertThatThrownBy(
            () ->
                plan(
                    replica(Role.PREFILL, stage("a", 0, 8)),
                    replica(Role.DECODE, stage("a", 0, 8))))
        .hasMessageContaining("device a has two stages");
  }

  @Test
  void bothPhasesAreServed() {
    assertThatThrownBy(() -> plan(replica(Role.PREFILL, stage("a", 0, 8))))
        .hasMessageContaining("DECODE");
  }

  @Test
  void whoHasAStageHasAPlacement() {
    assertThatThrownBy(() -> plan(List.of(replica(Role.MIXED, stage("a", 0, 8))), List.of()))
        .hasMessageContaining("device a has a stage but no placement");
  }

  @Test
  void theHigherPlanWins() {
    assertThat(new PlanOrder(2, "a", "0")).isGreaterThan(new PlanOrder(1, "z", "f"));
    assertThat(new PlanOrder(2, "b", "0")).isGreaterThan(new PlanOrder(2, "a", "f"));
    assertThat(PlanOrder.NONE).isLessThan(new PlanOrder(0, "a", ""));
  }

  @Test
  void badNumbersAreNamed() {
    for (double bad : new double[] {Double.NaN, -1, 0, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(
              () -> new DeviceProfile("pi", "Pi", bad, 1, 1, 0, 1, true, Nic.GIGABIT_ETHERNET))
          .isInstanceOf(InvalidRequestException.class)
          .hasMessageContaining("device pi: prefillFlops is " + bad);
    }
    assertThatThrownBy(() -> Workload.atRate(List.of(new Workload.Lengths(1, 1)), 0))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("requestsPerSecond is 0.0");
    assertThatThrownBy(() -> Workload.atRate(List.of(), 1)).hasMessageContaining("empty");
    assertThatThrownBy(() -> new Slo(Double.NaN, 1)).hasMessageContaining("ttft is NaN");
    assertThatThrownBy(() -> Fleet.of("none", List.of())).hasMessageContaining("no device");
  }

  @Test
  void numbersThatJsonCannotHoldAreRefused() {
    String json = PlanCodec.toJson(plan(replica(Role.MIXED, stage("a", 0, 8))));
    for (String bad : List.of("NaN", "1e999", "null", "\"1\"", "-1")) {
      assertThatThrownBy(
              () ->
                  PlanCodec.parse(
                      json.replace("\"ttftSeconds\" : 1.0", "\"ttftSeconds\" : " + bad)))
          .isInstanceOf(PlanFormatException.class);
    }
    assertThatThrownBy(() -> PlanCodec.parse(json.replace("\"own\"", "null")))
        .isInstanceOf(PlanFormatException.class)
        .hasMessage("strategy is null, expected is a text");
    assertThatThrownBy(
            () -> PlanCodec.parse(json.replace("\"kvTokens\" : 1000", "\"kvTokens\" : 1e3")))
        .isInstanceOf(PlanFormatException.class)
        .hasMessageContaining("replicas[0].kvTokens is 1000.0, expected is a whole number");
  }

  @Test
  void pairsThatWereNotMeasuredFollowFromTheInterfaces() {
    Fleet fleet =
        new Fleet(
            "f",
            List.of(
                device("a", Nic.GIGABIT_ETHERNET), device("b", Nic.WIFI), device("c", Nic.WIFI)),
            List.of(LinkProfile.none("a", "c")));
    Network network = new Network(fleet);
    assertThat(network.link(1, 0))
        .isEqualTo(new LinkProfile("a", "b", 30e6, 3e-3, "wifi"))
        .isEqualTo(network.link(0, 1));
    assertThat(network.connected(0, 2)).isFalse();
    assertThat(network.link(0, 2).seconds(1)).isInfinite();
    assertThatThrownBy(() -> network.number("d")).hasMessageContaining("device d is not in fleet");
  }

  private static DeviceProfile device(String id, Nic nic) {
    return new DeviceProfile(id, id, 1e12, 1e12, 1e10, 0, 1_000_000, true, nic);
  }

  private static Plan plan(ReplicaPlan... replicas) {
    return plan(List.of(replicas), List.of(new Placement("a", true, "only one")));
  }

  private static Plan plan(List<ReplicaPlan> replicas, List<Placement> placements) {
    return new Plan(
        PlanOrder.NONE,
        new PlannedFor("m", "", 8, KvType.F16, 4096, Arithmetic.F32),
        "own",
        WireFormats.lossless(KvType.F16),
        ServingPolicy.ROLES,
        replicas,
        placements);
  }

  private static ReplicaPlan replica(Role role, StagePlan... stages) {
    return new ReplicaPlan(role, List.of(stages), 1000, EXPECTED);
  }

  private static StagePlan stage(String device, int from, int to) {
    return new StagePlan(device, LayerRange.of(from, to));
  }
}

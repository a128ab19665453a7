package org.e2llm.planner.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.data.Offset;
import org.e2llm.InvalidRequestException;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Network;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.junit.jupiter.api.Test;

class FaultsTest {
  private static final Requests ONE = Requests.atOnce(Lengths.constant(1000, 200), 1, 1);

  /** A PREFILL and a DECODE device, and one that does both. */
  private static Deployment deploy(boolean spare) {
    Network network =
        Fixtures.network(
            Fixtures.device("p", 10, 100, Nic.GIGABIT_ETHERNET),
            Fixtures.device("d", 10, 100, Nic.GIGABIT_ETHERNET),
            Fixtures.device("spare", 1, 20, Nic.GIGABIT_ETHERNET));
    var p = Fixtures.replica(Role.PREFILL, 20_000, Fixtures.stage("p", 0, 32));
    var d = Fixtures.replica(Role.DECODE, 20_000, Fixtures.stage("d", 0, 32));
    var both = Fixtures.replica(Role.MIXED, 20_000, Fixtures.stage("spare", 0, 32));
    Plan plan = Fixtures.plan(ServingPolicy.ROLES, spare ? List.of(p, d, both) : List.of(p, d));
    return new Deployment(plan, network, Fixtures.cost(Fixtures.llama8b()));
  }

  private static SimulationResult run(boolean spare, Fault... faults) {
    return Simulator.run(deploy(spare), ONE, SimulationOptions.DEFAULT.withFaults(List.of(faults)));
  }

  @Test
  void aLostAnswerGoesOnElsewhereFromTheTokensThatAreThere() {
    double undisturbed = run(true).seconds(Metric.E2E, 0);
    SimulationResult result = run(true, Fault.leave(undisturbed - 2, "d"));
    assertThat(result.answered()).isEqualTo(1);
    assertThat(result.timesLost()).isEqualTo(1);
    assertThat(result.seconds(Metric.E2E, 0)).isGreaterThan(undisturbed + 1);
    // The prompt once more, and the tokens of the answer so far with it.
    assertThat(result.promptTokens()).isBetween(2001L, 2199L);
    assertThat(result.decodedTokens()).isEqualTo(200);
    assertThat(result.seconds(Metric.TTFT, 0)).isEqualTo(run(true).seconds(Metric.TTFT, 0));
  }

  @Test
  void aReplicaDoesWhatIsNotItsRoleIfNobodyElseIsLeft() {
    SimulationResult result = run(false, Fault.leave(2, "d"));
    assertThat(result.answered()).isEqualTo(1);
    assertThat(result.timesLost()).isEqualTo(1);
  }

  @Test
  void withoutAnyReplicaARequestWaitsForADeviceToReturn() {
    SimulationResult lost = run(false, Fault.leave(2, "d"), Fault.leave(3, "p"));
    assertThat(lost.answered()).isZero();
    assertThat(lost.unanswered()).isEqualTo(1);
    assertThat(lost.goodput(Slo.NONE)).isZero();
    SimulationResult back =
        run(false, Fault.leave(2, "d"), Fault.leave(3, "p"), Fault.comeBack(1000, "d"));
    assertThat(back.answered()).isEqualTo(1);
    assertThat(back.seconds(Metric.E2E, 0)).isBetween(1000.0, 1030.0);
    assertThat(back.seconds(Metric.QUEUE, 0)).isGreaterThan(900);
  }

  @Test
  void aShortFreezeCostsItsLengthAndNothingElse() {
    double undisturbed = run(false).seconds(Metric.E2E, 0);
    SimulationResult result =
        run(false, Fault.freeze(undisturbed - 1, "d"), Fault.comeBack(undisturbed + 1, "d"));
    assertThat(result.timesLost()).isZero();
    assertThat(result.seconds(Metric.E2E, 0)).isCloseTo(undisturbed + 2, Offset.offset(0.01));
  }

  @Test
  void aLongFreezeIsNoticedAndCountsAsGone() {
    double undisturbed = run(true).seconds(Metric.E2E, 0);
    SimulationResult result = run(true, Fault.freeze(undisturbed - 2, "d"));
    assertThat(result.timesLost()).isEqualTo(1);
    assertThat(result.answered()).isEqualTo(1);
    double noticed = undisturbed - 2 + SimulationOptions.DEFAULT.detectSeconds();
    assertThat(result.seconds(Metric.E2E, 0)).isGreaterThan(noticed);
  }

  @Test
  void aSlowLinkMakesTheHandoffSlow() {
    double fast = run(false).seconds(Metric.HANDOFF, 0);
    double slow = run(false, Fault.slowLink(0, "d", "p", 10)).seconds(Metric.HANDOFF, 0);
    assertThat(slow).isGreaterThan(5 * fast);
    double mended =
        run(false, Fault.slowLink(0, "d", "p", 10), Fault.slowLink(0, "p", "d", 1))
            .seconds(Metric.HANDOFF, 0);
    assertThat(mended).isEqualTo(fast);
  }

  @Test
  void faultsOfUnknownDevicesAreRefused() {
    assertThatThrownBy(() -> run(false, Fault.leave(1, "nobody")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("nobody");
    assertThatThrownBy(() -> Fault.leave(Double.NaN, "d"))
        .isInstanceOf(InvalidRequestException.class);
  }
}

package org.e2llm.planner.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.junit.jupiter.api.Test;

/**
 * As live: the prompt's host samples nothing, all tokens come from where the answer is computed.
 */
class HandoffTest {
  private static SimulationResult run(boolean roles, int output) {
    var network =
        Fixtures.network(
            Fixtures.device("p", 10, 100, Nic.GIGABIT_ETHERNET),
            Fixtures.device("d", 10, 100, Nic.GIGABIT_ETHERNET));
    var p = Fixtures.replica(roles ? Role.PREFILL : Role.MIXED, 20_000, Fixtures.stage("p", 0, 32));
    var d = Fixtures.replica(Role.DECODE, 20_000, Fixtures.stage("d", 0, 32));
    Plan plan = Fixtures.plan(ServingPolicy.ROLES, roles ? List.of(p, d) : List.of(p));
    Deployment deployment = new Deployment(plan, network, Fixtures.cost(Fixtures.llama8b()));
    Requests requests = Requests.atOnce(Lengths.constant(2000, output), 1, 1);
    return Simulator.run(deployment, requests, new SimulationOptions(List.of(), 3, 0));
  }

  @Test
  void theFirstTokenComesAfterTheHandOff() {
    SimulationResult apart = run(true, 100);
    SimulationResult together = run(false, 100);
    double moved = apart.seconds(Metric.HANDOFF, 0) + apart.seconds(Metric.ADMISSION, 0);
    double step = together.seconds(Metric.TPOT, 0);
    assertThat(apart.seconds(Metric.HANDOFF, 0)).isGreaterThan(0.05);
    assertThat(apart.seconds(Metric.TTFT, 0))
        .isCloseTo(together.seconds(Metric.TTFT, 0) + moved + step, within(0.1 * step));
    assertThat(apart.seconds(Metric.TPOT, 0)).isCloseTo(step, within(0.01 * step));
    assertThat(apart.decodedTokens()).isEqualTo(100);
    assertThat(together.decodedTokens()).isEqualTo(99);
  }

  @Test
  void nobodyKnowsBeforeThatAnAnswerIsOneToken() {
    SimulationResult apart = run(true, 1);
    assertThat(apart.timesHandedOff()).isEqualTo(1);
    assertThat(apart.seconds(Metric.E2E, 0)).isEqualTo(apart.seconds(Metric.TTFT, 0));
    assertThat(run(false, 1).timesHandedOff()).isZero();
  }
}

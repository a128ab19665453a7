package org.e2llm.planner.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Nic;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.junit.jupiter.api.Test;

/** What limits goodput; that nothing exceeds it is in {@link SimulatorProperties}. */
class GoodputBoundTest {
  private static final int TOKENS_IN = 100;
  private static final int TOKENS_OUT = 51;
  private static final int REQUESTS = 400;

  private static final CostModel COST = Fixtures.cost(Fixtures.llama8b());
  private static final Nic CABLE = new Nic(117e6, 3e-4, null);

  private static double bound(Deployment deployment, double rate, Slo slo) {
    Lengths lengths = Lengths.constant(TOKENS_IN, TOKENS_OUT);
    Requests requests = Requests.poisson(lengths, REQUESTS, rate, 1);
    double bound = GoodputBound.of(List.of(deployment), requests, 0, slo);
    assertThat(Simulator.run(deployment, requests).goodput(slo)).isLessThanOrEqualTo(bound);
    return bound;
  }

  private static Deployment one(long kvTokens) {
    return new Deployment(
        Fixtures.plan(
            ServingPolicy.ROLES,
            List.of(Fixtures.replica(Role.MIXED, kvTokens, Fixtures.stage("a", 0, 32)))),
        Fixtures.network(Fixtures.device("a", 20, 100, CABLE)),
        COST);
  }

  @Test
  void memoryIsKeptForWhatIsCached() {
    int most = TOKENS_IN + Requests.DEFAULT_MAX_TOKENS;
    double alone = new ReplicaFloor(one(most), 0).tpot(TOKENS_IN);
    double stay = (TOKENS_OUT - 1) * alone;
    double atATime = most / (TOKENS_IN + TOKENS_OUT / 2.0);
    Slo slo = new Slo(10 * stay / atATime, 2 * alone);
    assertThat(bound(one(40L * most), 2 / stay, slo)).isEqualTo(1);
    assertThat(bound(one(most), 2 * atATime / stay, slo)).isBetween(0.45, 0.6);
  }

  @Test
  void kvCachesHaveToCrossTheNetworkWhereOneCanOnlyBeginAndTheOtherOnlyAnswer() {
    Nic slow = new Nic(5e6, 1e-3, null);
    ReplicaPlan prefill = Fixtures.replica(Role.PREFILL, 9000, Fixtures.stage("a", 0, 32));
    ReplicaPlan decode = Fixtures.replica(Role.DECODE, 90_000, Fixtures.stage("b", 0, 32));
    Deployment deployment =
        new Deployment(
            Fixtures.plan(ServingPolicy.ROLES, List.of(prefill, decode)),
            Fixtures.network(
                Fixtures.device("a", 40, 20, slow), Fixtures.device("b", 4, 400, slow)),
            COST);
    ReplicaFloor a = new ReplicaFloor(deployment, 0);
    ReplicaFloor b = new ReplicaFloor(deployment, 1);
    Slo slo = new Slo(1.1 * a.ttft(TOKENS_IN), 0.9 * a.tpot(TOKENS_IN));
    assertThat(b.ttft(TOKENS_IN)).isGreaterThan(slo.ttftSeconds());
    double crossing = COST.handoffBytes(32, TOKENS_IN) / slow.bytesPerSecond();
    assertThat(bound(deployment, 0.5 / crossing, slo)).isGreaterThan(0.9);
    assertThat(bound(deployment, 4 / crossing, slo)).isBetween(0.25, 0.35);
  }
}

package org.e2llm.planner.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Nic;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.e2llm.serving.BatchScheduler;
import org.junit.jupiter.api.Test;

/** How large batches may be while sessions decode. */
class PlanEstimatesTest {
  private static final Nic CABLE = new Nic(117e6, 3e-4, null);
  private static final Workload CHAT =
      Workload.atRate(List.of(new Workload.Lengths(1000, 200)), 0.1);
  private static final double CONTEXT = 1100;

  private static PlanEstimates chain(Slo slo) {
    return new PlanEstimates(deployed(slo), CHAT);
  }

  private static Deployment deployed(Slo slo) {
    return new Deployment(
        Fixtures.plan(
            ServingPolicy.ROLES.withSlo(slo),
            List.of(
                Fixtures.replica(
                    Role.MIXED, 90_000, Fixtures.stage("a", 0, 16), Fixtures.stage("b", 16, 32)))),
        Fixtures.network(Fixtures.device("a", 1, 50, CABLE), Fixtures.device("b", 1, 50, CABLE)),
        Fixtures.cost(Fixtures.llama8b()));
  }

  private static int rows(PlanEstimates estimates, int sessions) {
    return estimates.limits(0, sessions).mixedRows();
  }

  @Test
  void promptsHaveFewerRowsTheMoreSessionsDecodeAsLongAsTheirTokensAreInTime() {
    PlanEstimates free = chain(Slo.NONE);
    Slo slo = new Slo(100, 1.5 * free.stepSeconds(0, 1, CONTEXT));
    PlanEstimates inView = chain(slo);
    int sessions = 1;
    while (free.stepSeconds(0, sessions + 1, (sessions + 1) * CONTEXT) <= slo.tpotSeconds()) {
      assertThat(rows(inView, sessions + 1))
          .as("beside %d", sessions + 1)
          .isBetween(1, rows(inView, sessions));
      sessions++;
    }
    assertThat(sessions).isBetween(2, 60);
    assertThat(rows(inView, sessions)).isLessThan(rows(free, sessions));
    assertThat(rows(inView, 64)).as("too late anyway").isEqualTo(rows(free, 64));
  }

  @Test
  void tokensAreInTimeAlsoWhereABatchForEveryStageWouldBeTooMany() {
    PlanEstimates free = chain(Slo.NONE);
    Slo slo = new Slo(1000, 1.3 * free.stepSeconds(0, 4, 4 * CONTEXT));
    BatchScheduler.Limits limits = chain(slo).limits(0, 4);
    assertThat(limits.batches()).isEqualTo(2);
    assertThat(limits.mixedRows()).isPositive();
    Lengths lengths = Lengths.of(CHAT);
    SimulationResult result = Simulator.run(deployed(slo), Requests.poisson(lengths, 300, 0.03, 1));
    assertThat(result.goodput(slo)).isGreaterThan(0.95);
    assertThat(chain(slo).prefillSeconds(0, 512, 4))
        .as("batches are fewer, and so are rows")
        .isGreaterThan(free.prefillSeconds(0, 512, 4));
  }
}

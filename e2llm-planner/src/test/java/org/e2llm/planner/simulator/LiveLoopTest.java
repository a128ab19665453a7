package org.e2llm.planner.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.plan.WireFormats;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.cost.StageCost;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.e2llm.serving.HostLimits;
import org.e2llm.serving.VirtualHost;
import org.junit.jupiter.api.Test;

/**
 * A live loop serves the same requests as the simulator says: both ask the same policies. For one
 * device, whose steps take as long here as there.
 */
class LiveLoopTest {
  private static final double NOTHING_BUT_ROUNDING = 1e-5;

  /** Grows with rows, not with caches, of which the simulator takes the mean over many steps. */
  private record RowCost(PlannedModel model, WireFormats wire) implements CostModel {
    @Override
    public StageCost stage(DeviceProfile device, LayerRange layers) {
      return (prompt, context, rows, cached, logits) -> 0.4 + 0.004 * prompt + 0.03 * rows;
    }

    @Override
    public CostModel withWire(WireFormats newWire) {
      return new RowCost(model, newWire);
    }
  }

  private static Deployment device(Slo slo, int kvTokens) {
    Plan plan =
        Fixtures.plan(
            ServingPolicy.ROLES.withSlo(slo),
            List.of(Fixtures.replica(Role.MIXED, kvTokens, Fixtures.stage("d", 0, 32))));
    return new Deployment(
        plan,
        Fixtures.network(Fixtures.device("d", 1, 50, new Nic(1e8, 1e-3, null))),
        new RowCost(Fixtures.llama8b(), plan.wire()));
  }

  private static void sameAsSimulated(Deployment deployment, Requests requests) {
    SimulationResult simulated = Simulator.run(deployment, requests);
    PlanEstimates estimates = new PlanEstimates(deployment, requests.workload(1000, 1));
    List<VirtualHost.Asked> asked = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      asked.add(
          new VirtualHost.Asked(
              requests.arrival(i), requests.prompt(i), requests.output(i), requests.maxTokens(i)));
    }
    int kvTokens = deployment.kvTokens(0);
    Slo slo = deployment.plan().policy().slo();
    VirtualHost live =
        VirtualHost.of(
                asked,
                new HostLimits(kvTokens, 1, kvTokens, requests.size(), slo),
                estimates,
                decoding -> estimates.limits(0, decoding),
                deployment.stage(0, 0)::seconds)
            .run();
    for (int i = 0; i < requests.size(); i++) {
      assertThat(live.ttft(i))
          .as("time to first token of request " + i)
          .isCloseTo(simulated.seconds(Metric.TTFT, i), within(NOTHING_BUT_ROUNDING));
      assertThat(live.endToEnd(i))
          .as("end of request " + i)
          .isCloseTo(simulated.seconds(Metric.E2E, i), within(NOTHING_BUT_ROUNDING));
    }
  }

  private static Requests requests(int output, double load, Deployment deployment, long seed) {
    Lengths lengths = new Lengths.Uniform("any", 1, 900, 1, output);
    Requests atOnce = Requests.atOnce(lengths, 120, seed);
    double rate = load * Simulator.run(deployment, atOnce).throughput();
    return Requests.poisson(lengths, 120, rate, seed);
  }

  @Test
  void withoutAnSlo() {
    for (int seed = 0; seed < 12; seed++) {
      Deployment deployment = device(Slo.NONE, 3000 + 500 * seed);
      sameAsSimulated(deployment, requests(100, 0.5 + 0.1 * seed, deployment, seed));
    }
  }

  /** Answers of two tokens: the simulator looks at those who wait after each step then, too. */
  @Test
  void withATtftInView() {
    for (int seed = 0; seed < 12; seed++) {
      Deployment deployment =
          device(new Slo(2 + seed, Double.POSITIVE_INFINITY), 3000 + 500 * seed);
      sameAsSimulated(deployment, requests(2, 0.5 + 0.1 * seed, deployment, seed));
    }
  }

  @Test
  void withATpotInView() {
    for (int seed = 0; seed < 12; seed++) {
      Deployment deployment =
          device(new Slo(Double.POSITIVE_INFINITY, 0.5 + 0.1 * seed), 3000 + 500 * seed);
      sameAsSimulated(deployment, requests(100, 0.5 + 0.1 * seed, deployment, seed));
    }
  }

  @Test
  void withBothInView() {
    for (int seed = 0; seed < 12; seed++) {
      Deployment deployment = device(new Slo(4 + seed, 0.6 + 0.05 * seed), 3000 + 500 * seed);
      sameAsSimulated(deployment, requests(2, 0.5 + 0.1 * seed, deployment, seed));
    }
  }
}

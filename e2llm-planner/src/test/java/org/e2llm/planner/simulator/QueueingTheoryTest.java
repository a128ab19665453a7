package org.e2llm.planner.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.e2llm.model.KvType;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Network;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.WireFormats;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where theory knows the answer, the simulator must find it. */
class QueueingTheoryTest {
  private static final int PROMPT = 64;
  private static final Nic FAST = new Nic(1e15, 0, null);

  /** One prompt per batch: chunks are as long as prompts. */
  private static final ServingPolicy ONE_PROMPT =
      new ServingPolicy(ServingPolicy.RouterKind.ECT, false, false, false, false, PROMPT);

  /** M/D/1: mean wait = ρ·D / (2·(1 − ρ)). */
  @ParameterizedTest
  @CsvSource({"0.3, 400000", "0.6, 800000", "0.9, 2400000"})
  void oneDeviceWaitsAsMD1(double load, int count) {
    double service = 0.5;
    Deployment deployment = deploy(service);
    Requests requests = Requests.poisson(Lengths.constant(PROMPT, 1), count, load / service, 4711);
    SimulationResult result = Simulator.run(deployment, requests);
    double expected = load * service / (2 * (1 - load));
    Estimate wait = batchMeans(result, Metric.QUEUE, 40);
    assertThat(wait.standardError / expected).as("standard error").isLessThanOrEqualTo(0.01);
    assertThat(wait.mean)
        .as("mean wait, standard error %s", wait.standardError)
        .isBetween(expected - 3 * wait.standardError, expected + 3 * wait.standardError);
    assertThat(result.distribution(Metric.TTFT).mean() - result.distribution(Metric.QUEUE).mean())
        .isCloseTo(service, org.assertj.core.data.Offset.offset(1e-6));
  }

  /**
   * Two stations with fixed service, Poisson arrivals: whatever their order, the time in the system
   * is the sum of both services and the M/D/1 wait of the slower one (Friedman 1965; Avi-Itzhak
   * 1965).
   */
  @ParameterizedTest
  @CsvSource({"0.5, 0.3", "0.3, 0.5", "0.5, 0.5"})
  void twoStagesWaitAsATandem(double first, double second) {
    double load = 0.6;
    double slower = Math.max(first, second);
    Requests requests = Requests.poisson(Lengths.constant(PROMPT, 1), 800_000, load / slower, 42);
    SimulationResult result = Simulator.run(deploy(first, second), requests);
    double expected = first + second + load * slower / (2 * (1 - load));
    Estimate time = batchMeans(result, Metric.E2E, 40);
    assertThat(time.mean)
        .as("mean time, standard error %s", time.standardError)
        .isBetween(expected - 3 * time.standardError, expected + 3 * time.standardError);
  }

  /** And request by request, as the recursion of the tandem says. */
  @Test
  void everyRequestLeavesATandemWhenTheRecursionSays() {
    double[] service = {0.4, 0.7, 0.2, 0.7};
    Requests requests = Requests.poisson(Lengths.constant(PROMPT, 1), 5000, 1.1, 3);
    SimulationResult result = Simulator.run(deploy(service), requests);
    double[] free = new double[service.length];
    for (int i = 0; i < requests.size(); i++) {
      double time = requests.arrival(i);
      for (int s = 0; s < service.length; s++) {
        time = Math.max(time, free[s]) + service[s];
        free[s] = time;
      }
      assertThat(result.seconds(Metric.E2E, i))
          .as("request %s", i)
          .isCloseTo(time - requests.arrival(i), org.assertj.core.data.Offset.offset(1e-6));
    }
  }

  private static Deployment deploy(double... service) {
    PlannedModel model = Fixtures.model(8, 64, 128, 2, 1, 32, 100, 1000);
    DeviceProfile[] devices = new DeviceProfile[service.length];
    var stages = new org.e2llm.plan.StagePlan[service.length];
    Map<String, Double> seconds = new java.util.HashMap<>();
    for (int s = 0; s < service.length; s++) {
      devices[s] = Fixtures.device("d" + s, 1, 1, FAST);
      seconds.put("d" + s, service[s]);
      stages[s] = Fixtures.stage("d" + s, 8 * s / service.length, 8 * (s + 1) / service.length);
    }
    ReplicaPlan replica = Fixtures.replica(Role.MIXED, 100_000_000, stages);
    Plan plan = Fixtures.plan(ONE_PROMPT, List.of(replica));
    Network network = Fixtures.network(devices);
    return new Deployment(
        plan, network, new FixedCost(model, WireFormats.lossless(KvType.F16), seconds));
  }

  private record Estimate(double mean, double standardError) {}

  /** Mean and standard error of correlated values: from the means of long batches of them. */
  private static Estimate batchMeans(SimulationResult result, Metric metric, int batches) {
    int first = result.firstCounted();
    int size = (result.requests().size() - first) / batches;
    double sum = 0;
    double squares = 0;
    for (int b = 0; b < batches; b++) {
      double mean = 0;
      for (int i = 0; i < size; i++) {
        mean += result.seconds(metric, first + b * size + i) / size;
      }
      sum += mean;
      squares += mean * mean;
    }
    double mean = sum / batches;
    double variance = (squares - batches * mean * mean) / (batches - 1);
    return new Estimate(mean, Math.sqrt(variance / batches));
  }
}

package org.e2llm.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Network;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.WireFormats;
import org.e2llm.planner.catalog.KnownFleets;
import org.e2llm.planner.catalog.KnownModels;
import org.e2llm.planner.cost.AnalyticCostModel;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.simulator.SimulationResult;
import org.e2llm.planner.simulator.Simulator;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Requests simulated per second on one core: Llama-3-8B on the twelve devices of {@code full12} in
 * five replicas of one to five stages, at 0.9 of the throughput that this plan has when saturated.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = "-XX:ActiveProcessorCount=1")
public class SimulatorBenchmark {
  private static final int REQUESTS = 10_000;

  private static final ServingPolicy SPILL =
      new ServingPolicy(ServingPolicy.RouterKind.ECT, true, true, true, false, 512);

  @Param({"roles", "spill", "slo", "jsq"})
  public String policy;

  @Param({"long-in", "long-out", "uniform"})
  public String workload;

  private Deployment deployment;
  private Requests requests;

  @Setup
  public void prepare() {
    PlannedModel model = new PlannedModel(KnownModels.get("llama3-8b-q4"), KvType.F16);
    Network network = new Network(KnownFleets.get("full12"));
    List<ReplicaPlan> replicas = new ArrayList<>();
    replicas.add(replica(model, network, Role.PREFILL, "rtx3060", 32));
    replicas.add(replica(model, network, Role.DECODE, "agx", 32));
    replicas.add(replica(model, network, Role.DECODE, "m2-1", 16, "m2-2", 16));
    replicas.add(replica(model, network, Role.PREFILL, "nx", 16, "nano-1", 8, "nano-2", 8));
    replicas.add(
        replica(
            model, network, Role.MIXED, "i7", 12, "phone", 8, "n100", 6, "pi5-1", 3, "pi5-2", 3));
    List<Placement> placements = new ArrayList<>();
    replicas.forEach(
        replica ->
            replica
                .stages()
                .forEach(stage -> placements.add(new Placement(stage.device(), true, "by hand"))));
    Plan plan =
        new Plan(
            PlanOrder.NONE,
            new PlannedFor("Llama-3-8B", "", 32, KvType.F16, 8192, Arithmetic.F32),
            "own",
            WireFormats.lossless(KvType.F16),
            servingPolicy(),
            replicas,
            placements);
    deployment = new Deployment(plan, network, new AnalyticCostModel(model, plan.wire()));
    Lengths lengths =
        workload.equals("long-in")
            ? Lengths.LONG_IN
            : workload.equals("long-out") ? Lengths.LONG_OUT : Lengths.UNIFORM;
    double saturated = Simulator.run(deployment, Requests.atOnce(lengths, 2000, 1)).throughput();
    requests = Requests.poisson(lengths, REQUESTS, 0.9 * saturated, 1);
  }

  private ServingPolicy servingPolicy() {
    return switch (policy) {
      case "roles" -> ServingPolicy.ROLES;
      case "spill" -> SPILL;
      case "slo" -> SPILL.withSlo(new Slo(10, 0.1));
      default -> new ServingPolicy(ServingPolicy.RouterKind.JSQ, false, false, false, true, 512);
    };
  }

  /** Devices in the order of the layers, each with how many it has. */
  private static ReplicaPlan replica(
      PlannedModel model, Network network, Role role, Object... devicesAndLayers) {
    List<StagePlan> stages = new ArrayList<>();
    long tokens = Long.MAX_VALUE;
    int from = 0;
    for (int i = 0; i < devicesAndLayers.length; i += 2) {
      String device = (String) devicesAndLayers[i];
      int to = from + (int) devicesAndLayers[i + 1];
      long memory = network.device(network.number(device)).memoryBytes();
      tokens = Math.min(tokens, model.tokensThatFit(from, to, memory));
      stages.add(new StagePlan(device, LayerRange.of(from, to)));
      from = to;
    }
    return new ReplicaPlan(role, stages, tokens, new ReplicaPlan.Expected(0, 0, 0, 0));
  }

  @Benchmark
  @OperationsPerInvocation(REQUESTS)
  public SimulationResult requests() {
    return Simulator.run(deployment, requests);
  }
}

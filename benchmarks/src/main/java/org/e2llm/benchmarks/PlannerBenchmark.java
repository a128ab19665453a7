package org.e2llm.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.planner.Planner;
import org.e2llm.planner.catalog.KnownFleets;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How long a plan takes on one core, in a JVM that has just started, as an app meets it: GA and DP
 * for a model of 80 layers, and for {@code adaptive} its simulations. Every device differs a little
 * from every other, which is the worst case: nothing that was reckoned for one group serves
 * another.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 0)
@Measurement(iterations = 1)
@Fork(value = 5, jvmArgsAppend = "-XX:ActiveProcessorCount=1")
public class PlannerBenchmark {
  private static final int LAYERS = 80;

  /** So that serving with it in view is tried too. */
  private static final Slo SLO = new Slo(60, 1);

  @Param({"12", "100"})
  public int devices;

  @Param({"e2llm", "replicas", "adaptive"})
  public String strategy;

  private Fleet fleet;
  private ModelSpec model;
  private Workload workload;
  private PlanOptions options;

  @Setup
  public void prepare() {
    List<DeviceProfile> known = KnownFleets.get("full12").devices();
    SplittableRandom random = new SplittableRandom(1);
    List<DeviceProfile> varied = new ArrayList<>();
    for (int i = 0; i < devices; i++) {
      DeviceProfile device = known.get(i % known.size());
      varied.add(
          new DeviceProfile(
              "device-" + i,
              device.name(),
              device.prefillFlops() * random.nextDouble(0.9, 1.1),
              device.decodeFlops() * random.nextDouble(0.9, 1.1),
              device.memoryBandwidth() * random.nextDouble(0.9, 1.1),
              device.stepSeconds(),
              device.memoryBytes(),
              true,
              device.nic()));
    }
    fleet = Fleet.of("varied", varied);
    model = model();
    workload = Workload.atRate(List.of(new Workload.Lengths(1155, 211)), 1);
    options = PlanOptions.builder().strategy(strategy).build();
  }

  /** Llama-3-70B in shape, in 4.5 bits per weight. */
  private static ModelSpec model() {
    List<Long> layerBytes = new ArrayList<>();
    for (int i = 0; i < LAYERS; i++) {
      layerBytes.add(481_000_000L + i % 3 * 20_000_000L);
    }
    return new ModelSpec(
        "70B",
        "llama",
        "Q4_K_M",
        LAYERS,
        8192,
        28672,
        64,
        8,
        128,
        128,
        128256,
        8192,
        70_550_000_000L,
        layerBytes,
        591_000_000L,
        862_000_000L,
        List.of());
  }

  @Benchmark
  public Plan plan() {
    return new Planner().plan(model, fleet, workload, SLO, options, PlanListener.NONE);
  }
}

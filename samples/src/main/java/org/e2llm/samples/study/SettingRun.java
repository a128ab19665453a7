package org.e2llm.samples.study;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.e2llm.PlanCancelledException;
import org.e2llm.model.KvType;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.Network;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.plan.WireFormats;
import org.e2llm.plan.Workload;
import org.e2llm.planner.Planner;
import org.e2llm.planner.catalog.KnownFleets;
import org.e2llm.planner.catalog.KnownModels;
import org.e2llm.planner.cost.AnalyticCostModel;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.simulator.GoodputBound;
import org.e2llm.planner.simulator.SimulationOptions;
import org.e2llm.planner.simulator.SimulationResult;
import org.e2llm.planner.simulator.Simulator;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Requests;
import org.jspecify.annotations.Nullable;

/**
 * Measures one setting: its reference, then its cells. Plans are kept, since only those of {@code
 * adaptive} depend on the load. Used by one thread.
 */
final class SettingRun {
  /** Requests that planners are told of, apart from those that are measured. */
  private static final long PLANNING_SEED = 1_000_001;

  private static final int SAMPLE = 1000;

  private final Setting setting;
  private final Lengths lengths;
  private final int requests;
  private BooleanSupplier cancelled = () -> false;
  private final Planner planner = new Planner();
  private final ModelSpec model;
  private final Fleet fleet;
  private final Network network;
  private final CostModel cost;
  private final Workload sample;

  /** Plans by contender, seed and SLO, those of {@code adaptive} also by rate. */
  private final Map<String, Deployment> deployments = new HashMap<>();

  private final Map<Deployment, Double> saturated = new HashMap<>();

  /**
   * Prepares.
   *
   * @param requests of every simulation
   */
  SettingRun(Setting setting, Lengths lengths, int requests) {
    this.setting = setting;
    this.lengths = lengths;
    this.requests = requests;
    model = KnownModels.get(setting.model());
    fleet = KnownFleets.get(setting.fleet());
    network = new Network(fleet);
    PlannedModel planned = new PlannedModel(model, KvType.F16);
    cost = new AnalyticCostModel(planned, WireFormats.lossless(KvType.F16));
    sample = Requests.atOnce(lengths, requests, PLANNING_SEED).workload(SAMPLE, 1);
  }

  /**
   * Lets somebody stop it.
   *
   * @param asked before every plan and every simulation; they end with a {@link
   *     PlanCancelledException} once it is true
   */
  void stopWhen(BooleanSupplier asked) {
    cancelled = asked;
  }

  /** λ1 and the SLO. */
  Reference reference() {
    return ReferenceMeasurement.of(
        new ReferenceMeasurement.Ground() {
          @Override
          public Workload sample() {
            return sample;
          }

          @Override
          public List<Deployment> plans(List<Contender> contenders, double rate, Slo slo) {
            return contenders.stream().map(each -> deployment(each, rate, slo, 1)).toList();
          }

          @Override
          public double mostThroughput(List<Deployment> plans) {
            return plans.stream().mapToDouble(SettingRun.this::saturated).max().orElse(0);
          }
        },
        null);
  }

  /** Every contender with every seed; the requests of a seed are the same for all. */
  List<Result> cell(double load, int seeds, Reference reference) {
    double rate = load * reference.rate();
    List<Result> results = new ArrayList<>();
    for (long next = 1; next <= seeds; next++) {
      long seed = next;
      Requests asked = Requests.poisson(lengths, requests, rate, seed);
      Map<Contender, Deployment> plans = new LinkedHashMap<>();
      for (Contender contender : Contender.all()) {
        long planSeed = contender.isDrawn() ? seed : 1;
        plans.put(contender, deployment(contender, rate, reference.slo(), planSeed));
      }
      int first = (int) (SimulationOptions.DEFAULT.warmUp() * requests);
      double bound = GoodputBound.of(List.copyOf(plans.values()), asked, first, reference.slo());
      plans.forEach(
          (contender, deployment) -> {
            SimulationResult result = run(deployment, asked);
            results.add(
                Result.of(
                    setting,
                    load,
                    seed,
                    contender,
                    result,
                    result.goodput(reference.slo()),
                    bound,
                    saturated(deployment)));
          });
    }
    return results;
  }

  private Deployment deployment(Contender contender, double rate, Slo slo, long seed) {
    String asked = slo + (contender.isAdaptive() ? " at " + rate : "");
    String key = contender.name() + " " + seed + " " + asked;
    Deployment known = deployments.get(key);
    if (known == null) {
      known = new Deployment(plan(contender, rate, slo, seed), network, cost);
      deployments.put(key, known);
    }
    return known;
  }

  private Plan plan(Contender contender, double rate, Slo slo, long seed) {
    PlanOptions options =
        PlanOptions.builder()
            .strategy(contender.strategy().fullName())
            .router(contender.crossed())
            .seed(seed)
            .build();
    PlanListener listener =
        new PlanListener() {
          @Override
          public boolean isCancelled() {
            return cancelled.getAsBoolean();
          }
        };
    return planner.plan(model, fleet, sample.withRate(rate), slo, options, listener);
  }

  private double saturated(Deployment deployment) {
    @Nullable Double known = saturated.get(deployment);
    if (known == null) {
      requireNotCancelled();
      known = ReferenceMeasurement.saturated(deployment, lengths, requests);
      saturated.put(deployment, known);
    }
    return known;
  }

  private SimulationResult run(Deployment deployment, Requests asked) {
    requireNotCancelled();
    return Simulator.run(deployment, asked);
  }

  private void requireNotCancelled() {
    if (cancelled.getAsBoolean()) {
      throw new PlanCancelledException("the study was stopped in " + setting.path());
    }
  }
}

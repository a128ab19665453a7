package org.e2llm.samples.plan;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.model.KvType;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.Network;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.plan.Slo;
import org.e2llm.plan.WireFormats;
import org.e2llm.planner.Planner;
import org.e2llm.planner.cost.AnalyticCostModel;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.simulator.SimulationResult;
import org.e2llm.planner.simulator.Simulator;
import org.e2llm.planner.strategy.Strategy;
import org.e2llm.planner.workload.Requests;
import org.jspecify.annotations.Nullable;

/**
 * One fleet, one model and one kind of requests: what strategies are asked to plan for, and where
 * their plans are simulated, all with the same requests. Immutable; plans and simulations may run
 * at the same time.
 */
final class Cell {
  /** What a planner is told of the lengths: more would not change a mean, and costs time. */
  private static final int SAMPLE = 2000;

  private final Fleet fleet;
  private final ModelSpec model;
  private final Traffic traffic;
  private final int count;
  private final long seed;
  private final @Nullable RouterKind router;
  private final Planner planner = new Planner();
  private final Network network;
  private final CostModel cost;

  /**
   * Puts one together.
   *
   * @param count requests of a simulation
   * @param seed of plans and requests
   * @param router for all strategies, or null for each one's own
   */
  Cell(
      Fleet fleet,
      ModelSpec model,
      Traffic traffic,
      int count,
      long seed,
      @Nullable RouterKind router) {
    this.fleet = fleet;
    this.model = model;
    this.traffic = traffic;
    this.count = count;
    this.seed = seed;
    this.router = router;
    KvType kvType = PlanOptions.DEFAULTS.kvType();
    network = new Network(fleet);
    cost = new AnalyticCostModel(new PlannedModel(model, kvType), WireFormats.lossless(kvType));
  }

  Fleet fleet() {
    return fleet;
  }

  ModelSpec model() {
    return model;
  }

  Traffic traffic() {
    return traffic;
  }

  int count() {
    return count;
  }

  long seed() {
    return seed;
  }

  CostModel cost() {
    return cost;
  }

  /** The requests of every simulation at this rate. */
  Requests requests(double rate) {
    return traffic.requests(count, rate, seed);
  }

  /**
   * Plans of strategies for this rate, in their order; a strategy that finds none is left out and
   * said so.
   *
   * @param without told which strategy has no plan, and why
   * @throws InfeasiblePlanException if none has a plan
   */
  List<Candidate> plans(
      List<Strategy> strategies, double rate, Slo slo, Watch watch, Without without) {
    List<Object> found =
        strategies.parallelStream().map(strategy -> planned(strategy, rate, slo, watch)).toList();
    List<Candidate> candidates = new ArrayList<>();
    for (Object each : found) {
      if (each instanceof Candidate candidate) {
        candidates.add(candidate);
      }
    }
    for (int i = 0; i < found.size(); i++) {
      if (found.get(i) instanceof InfeasiblePlanException reason) {
        if (candidates.isEmpty()) {
          throw reason;
        }
        without.plan(strategies.get(i), reason);
      }
    }
    return candidates;
  }

  /** Hears of strategies that have no plan. */
  interface Without {
    void plan(Strategy strategy, InfeasiblePlanException reason);
  }

  /** A candidate, or the exception that says why there is none. */
  private Object planned(Strategy strategy, double rate, Slo slo, Watch watch) {
    PlanOptions options =
        PlanOptions.builder().strategy(strategy.fullName()).seed(seed).router(router).build();
    try {
      Plan plan =
          planner.plan(
              model,
              fleet,
              requests(rate).workload(SAMPLE, rate),
              slo,
              options,
              watch.listener());
      return new Candidate(strategy, new Deployment(plan, network, cost));
    } catch (InfeasiblePlanException e) {
      return e;
    }
  }

  /** All requests through a plan, arriving at a mean rate per second. */
  SimulationResult simulated(Candidate candidate, double rate) {
    return Simulator.run(candidate.deployment(), requests(rate));
  }

  /** Requests per second that a plan does while it never lacks work: all are there at time 0. */
  double saturated(Candidate candidate) {
    return Simulator.run(candidate.deployment(), requests(1).atOnce()).throughput();
  }
}

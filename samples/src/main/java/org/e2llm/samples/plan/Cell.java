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
import org.e2llm.plan.Slo;
import org.e2llm.plan.WireFormats;
import org.e2llm.plan.Workload;
import org.e2llm.planner.Planner;
import org.e2llm.planner.cost.AnalyticCostModel;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.simulator.SimulationResult;
import org.e2llm.planner.simulator.Simulator;
import org.e2llm.planner.strategy.Strategy;
import org.e2llm.planner.workload.Requests;
import org.e2llm.samples.study.Contender;

/**
 * One fleet, one model and one kind of requests: what strategies are asked to plan for, and where
 * their plans are simulated, all with the same requests. Immutable; plans and simulations may run
 * at the same time.
 */
final class Cell {
  /** Planners are told of other requests than those that are simulated. */
  private static final long PLANNING_SEED = 1_000_001;

  private static final int PLANNING_REQUESTS = 2000;
  private static final int SAMPLE = 1000;

  private final Fleet fleet;
  private final ModelSpec model;
  private final Traffic traffic;
  private final int count;
  private final Planner planner = new Planner();
  private final Network network;
  private final CostModel cost;
  private final Workload sample;

  /**
   * Puts one together.
   *
   * @param count requests of a simulation
   */
  Cell(Fleet fleet, ModelSpec model, Traffic traffic, int count) {
    this.fleet = fleet;
    this.model = model;
    this.traffic = traffic;
    this.count = count;
    KvType kvType = PlanOptions.DEFAULTS.kvType();
    network = new Network(fleet);
    cost = new AnalyticCostModel(new PlannedModel(model, kvType), WireFormats.lossless(kvType));
    sample =
        Requests.atOnce(traffic.lengths(), PLANNING_REQUESTS, PLANNING_SEED).workload(SAMPLE, 1);
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

  CostModel cost() {
    return cost;
  }

  /** What planners are told of the requests. */
  Workload sample() {
    return sample;
  }

  /**
   * Plans of strategies for a rate, in their order; a strategy that finds none is left out, and
   * said so.
   *
   * @param without told which strategy has no plan, and why
   * @throws InfeasiblePlanException if none has a plan
   */
  List<Candidate> plans(
      List<Contender> contenders, Conditions conditions, Watch watch, Without without) {
    List<Object> found =
        contenders.parallelStream().map(each -> planned(each, conditions, watch)).toList();
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
        without.plan(contenders.get(i).strategy(), reason);
      }
    }
    return candidates;
  }

  /** Hears of strategies that have no plan. */
  interface Without {
    void plan(Strategy strategy, InfeasiblePlanException reason);
  }

  /**
   * What plans are made for.
   *
   * @param rate arrivals per second
   * @param seed of searches
   */
  record Conditions(double rate, Slo slo, long seed) {}

  /** A candidate, or the exception that says why there is none. */
  private Object planned(Contender contender, Conditions conditions, Watch watch) {
    PlanOptions options =
        PlanOptions.builder()
            .strategy(contender.strategy().fullName())
            .router(contender.crossed())
            .seed(conditions.seed())
            .build();
    Workload workload = sample.withRate(conditions.rate());
    try {
      Plan plan = planner.plan(model, fleet, workload, conditions.slo(), options, watch.listener());
      return new Candidate(contender.strategy(), new Deployment(plan, network, cost));
    } catch (InfeasiblePlanException e) {
      return e;
    }
  }

  /** Requests through a plan, arriving at a mean rate per second. */
  SimulationResult simulated(Candidate candidate, double rate, long seed) {
    return Simulator.run(candidate.deployment(), traffic.requests(count, rate, seed));
  }
}

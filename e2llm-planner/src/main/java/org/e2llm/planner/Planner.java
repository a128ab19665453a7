package org.e2llm.planner;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import org.e2llm.E2llmException;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.InvalidRequestException;
import org.e2llm.PlanCancelledException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Network;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StepWork;
import org.e2llm.plan.WireFormats;
import org.e2llm.plan.Workload;
import org.e2llm.planner.cost.AnalyticCostModel;
import org.e2llm.planner.cost.ByteSize;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.grouping.Demand;
import org.e2llm.planner.grouping.SearchSpace;
import org.e2llm.planner.grouping.SearchWatch;
import org.e2llm.planner.simulator.Deployment;
import org.e2llm.planner.strategy.PlanComparison;
import org.e2llm.planner.strategy.PlanJudge;
import org.e2llm.planner.strategy.Question;
import org.e2llm.planner.strategy.Strategies;
import org.e2llm.planner.strategy.Strategy;
import org.e2llm.spi.PlannerProvider;

/**
 * Decides who hosts which layers in which role.
 *
 * <pre>{@code
 * Plan plan = new Planner().plan(model, devices, links, workload, slo, PlanOptions.DEFAULTS);
 * }</pre>
 *
 * <p>Deterministic: the same question and seed give the same plan. Uses the calling thread;
 * instances may be shared between threads.
 */
public final class Planner implements PlannerProvider {
  private final BiFunction<PlannedModel, WireFormats, CostModel> costs;

  /** Reckons with the devices' profiles. */
  public Planner() {
    this(AnalyticCostModel::new);
  }

  /** Reckons with another cost model, such as one of measured step times. */
  public Planner(BiFunction<PlannedModel, WireFormats, CostModel> costs) {
    this.costs = costs;
  }

  /**
   * The best plan that the strategy of the options knows.
   *
   * @param links measured pairs; the others follow from the devices' interfaces
   * @throws InvalidRequestException if devices, links or wishes contradict each other or the model
   * @throws InfeasiblePlanException if nothing can hold the model; says what would make it possible
   */
  public Plan plan(
      ModelSpec model,
      List<DeviceProfile> devices,
      List<LinkProfile> links,
      Workload workload,
      Slo slo,
      PlanOptions options) {
    Fleet fleet = new Fleet("devices", devices, links);
    return plan(model, fleet, workload, slo, options, PlanListener.NONE);
  }

  /**
   * The same, watched.
   *
   * @throws PlanCancelledException if the listener says so
   */
  @Override
  public Plan plan(
      ModelSpec model,
      Fleet fleet,
      Workload workload,
      Slo slo,
      PlanOptions options,
      PlanListener listener) {
    List<Plan> plans = plans(model, fleet, workload, slo, options, listener, 1);
    return plans.get(0);
  }

  /**
   * The best few plans of the strategy, the best first.
   *
   * @param wanted the most that are wanted
   * @return at least one
   */
  public List<Plan> plans(
      ModelSpec model,
      Fleet fleet,
      Workload workload,
      Slo slo,
      PlanOptions options,
      PlanListener listener,
      int wanted) {
    if (!options.ends().isEmpty()) {
      return List.of(new EndsPlanner(this, model, fleet, options).plan(workload, slo, listener));
    }
    Strategy strategy = Strategies.get(options.strategy());
    Question question = question(model, fleet, workload, slo, options, listener);
    List<Plan> plans = strategy.plans(question, wanted);
    if (plans.isEmpty()) {
      throw nothingFits(question, strategy);
    }
    question.watch().done();
    return plans;
  }

  /** Checks a question and makes it ready for strategies. */
  public Question question(
      ModelSpec model,
      Fleet fleet,
      Workload workload,
      Slo slo,
      PlanOptions options,
      PlanListener listener) {
    PlannedModel planned = new PlannedModel(model, options.kvType());
    Network network = new Network(fleet);
    Demand demand = Demand.of(workload, slo, network.size(), options.throughput());
    Usable usable = Usable.of(network, planned, demand, options);
    Set<Integer> preferred = new HashSet<>();
    for (String id : options.preferred()) {
      preferred.add(network.number(id));
    }
    SearchSpace space =
        new SearchSpace(
            costs.apply(planned, options.wireFormats()),
            network,
            demand,
            usable.devices(),
            pins(network, planned, usable, options),
            preferred);
    return new Question(
        plannedFor(model, options),
        workload,
        slo,
        options,
        space,
        usable.unusable(),
        new SearchWatch(listener::isCancelled, listener::progress));
  }

  private static Map<Integer, LayerRange> pins(
      Network network, PlannedModel model, Usable usable, PlanOptions options) {
    Map<Integer, LayerRange> pins = new HashMap<>();
    for (Map.Entry<String, LayerRange> pin : options.pins().entrySet()) {
      int device = network.number(pin.getKey());
      LayerRange layers = pin.getValue();
      if (layers.to() > model.layerCount()) {
        throw new InvalidRequestException(
            "device "
                + pin.getKey()
                + " is pinned to layers "
                + layers
                + ", but "
                + model.spec().name()
                + " has "
                + model.layerCount());
      }
      if (usable.unusable().containsKey(device)) {
        throw new InfeasiblePlanException(
            "device "
                + pin.getKey()
                + " is pinned to layers "
                + layers
                + " but cannot serve: "
                + usable.unusable().get(device),
            0);
      }
      long needed = model.memoryBytes(layers.from(), layers.to(), 1);
      long offered = network.device(device).memoryBytes();
      if (needed > offered) {
        throw new InfeasiblePlanException(
            String.format(
                Locale.ROOT,
                "device %s is pinned to layers %s, which need %s; it offers %s: pin it to"
                    + " fewer, or let it offer more",
                pin.getKey(),
                layers,
                ByteSize.text(needed),
                ByteSize.text(offered)),
            needed - offered);
      }
      pins.put(device, layers);
    }
    return pins;
  }

  static PlannedFor plannedFor(ModelSpec model, PlanOptions options) {
    int context = options.contextLength();
    if (context == 0) {
      context = model.contextLength() > 0 ? model.contextLength() : Integer.MAX_VALUE;
    }
    return new PlannedFor(
        model.name(),
        options.modelId(),
        model.layerCount(),
        options.kvType(),
        context,
        options.arithmetic());
  }

  private static E2llmException nothingFits(Question question, Strategy strategy) {
    String wishes =
        question.options().pins().isEmpty()
            ? ""
            : ", and every pinned device in a chain with exactly its layers";
    return new InfeasiblePlanException(
        strategy.fullName()
            + " found no way to cut "
            + question.model().name()
            + " so that every stage fits its device"
            + wishes
            + ". Memory suffices in sum, but not in pieces of whole layers with the KV cache of the"
            + " largest request ("
            + question.space().demand().largest()
            + " tokens): let devices offer more, lower maxTokens"
            + (wishes.isEmpty() ? "" : ", or unpin"),
        0);
  }

  @Override
  public Plan judge(
      Plan plan, ModelSpec model, Fleet fleet, Workload workload, Slo slo, PlanOptions options) {
    PlanOptions asPlanned = asPlanned(plan, options);
    Network network = new Network(fleet);
    CostModel cost = cost(model, asPlanned);
    Demand demand = Demand.of(workload, slo, network.size(), options.throughput());
    return new PlanJudge(cost, network, demand, asPlanned).judge(plan);
  }

  private static PlanOptions asPlanned(Plan plan, PlanOptions options) {
    return options.toBuilder().kvType(plan.model().kvType()).wire(plan.wire()).build();
  }

  private CostModel cost(ModelSpec model, PlanOptions options) {
    return costs.apply(new PlannedModel(model, options.kvType()), options.wireFormats());
  }

  @Override
  public double[] compare(
      List<Plan> plans,
      ModelSpec model,
      Fleet fleet,
      Workload workload,
      Slo slo,
      PlanOptions options) {
    Network network = new Network(fleet);
    List<Deployment> deployments = new ArrayList<>();
    for (Plan plan : plans) {
      deployments.add(new Deployment(plan, network, cost(model, asPlanned(plan, options))));
    }
    return PlanComparison.costs(deployments, workload, slo, options.seed());
  }

  @Override
  public double stepSeconds(
      ModelSpec model,
      DeviceProfile device,
      LayerRange layers,
      PlanOptions options,
      StepWork step) {
    return cost(model, options)
        .stage(device, layers)
        .seconds(
            step.promptTokens(),
            step.promptContext(),
            step.decodeRows(),
            step.cachedTokens(),
            step.logitRows());
  }
}

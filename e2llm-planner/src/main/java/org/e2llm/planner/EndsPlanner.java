package org.e2llm.planner;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.e2llm.E2llmException;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.KeptEnds;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.Workload;
import org.e2llm.planner.cost.PlannedModel;
import org.jspecify.annotations.Nullable;

/**
 * Plans in which a device keeps both ends of the model: a chain that leads from it over others back
 * to it, or the device alone where it holds the model and is quicker by itself.
 *
 * <p>The chain is planned for as if the device were two, each with a part of its memory and pinned
 * to its end, so that the cut between them is any strategy's.
 */
final class EndsPlanner {
  private static final String CHAIN = "single-pipeline";

  private final Planner planner;
  private final ModelSpec model;
  private final Fleet fleet;
  private final PlanOptions options;
  private final String device;
  private final KeptEnds ends;

  EndsPlanner(Planner planner, ModelSpec model, Fleet fleet, PlanOptions options) {
    this.planner = planner;
    this.model = model;
    this.fleet = fleet;
    this.options = options;
    Map.Entry<String, KeptEnds> kept = options.ends().entrySet().iterator().next();
    this.device = kept.getKey();
    this.ends = kept.getValue();
    if (!fleet.has(device)) {
      throw new InvalidRequestException(
          "device " + device + " keeps the ends of the model, but shares nothing now");
    }
  }

  /**
   * The better of both.
   *
   * @throws InfeasiblePlanException if the device does not hold its ends, or the others not the
   *     rest
   */
  Plan plan(Workload workload, Slo slo, PlanListener listener) {
    Plan alone = null;
    E2llmException why = null;
    try {
      alone = planner.judge(alone(), model, fleet, workload, slo, options);
    } catch (InfeasiblePlanException e) {
      why = e;
    }
    Plan chain = null;
    if (!ends.isAll(model.layerCount()) && fleet.devices().size() > 1) {
      try {
        chain = chain(workload, slo, listener);
      } catch (InfeasiblePlanException e) {
        why = e;
      }
    }
    Plan best =
        alone == null || (chain != null && isBetter(chain, alone, workload)) ? chain : alone;
    if (best == null) {
      throw infeasible(why);
    }
    return best;
  }

  private boolean isBetter(Plan a, Plan b, Workload workload) {
    return value(a, workload) > value(b, workload);
  }

  /** The more the better: requests per second in all, or of one session by itself. */
  private double value(Plan plan, Workload workload) {
    ReplicaPlan.Expected expected = plan.replicas().get(0).expected();
    double tokens = workload.meanOutput();
    return options.throughput()
        ? expected.requestsPerSecond()
        : 1 / (expected.ttftSeconds() + (tokens - 1) * expected.tpotSeconds());
  }

  private InfeasiblePlanException infeasible(@Nullable E2llmException why) {
    return new InfeasiblePlanException(
        "device "
            + device
            + " keeps "
            + ends.first()
            + " layers at the beginning and "
            + ends.last()
            + " at the end: "
            + (why == null ? "there is no other device for the rest" : why.getMessage()),
        why instanceof InfeasiblePlanException known ? known.missingBytes() : 0);
  }

  private Plan alone() {
    ReplicaPlan all =
        new ReplicaPlan(
            Role.MIXED,
            List.of(new StagePlan(device, model.layers())),
            1,
            new ReplicaPlan.Expected(0, 0, 0, 0));
    List<Placement> placements = new ArrayList<>();
    for (DeviceProfile each : fleet.devices()) {
      boolean own = each.id().equals(device);
      placements.add(
          new Placement(
              each.id(),
              own,
              own
                  ? "Keeps the ends of the model to itself, and is quickest with all of it."
                  : "Left out: "
                      + device
                      + " keeps the ends of the model to itself, and is quicker alone."));
    }
    return new Plan(
        PlanOrder.NONE,
        Planner.plannedFor(model, options),
        CHAIN,
        options.wireFormats(),
        ServingPolicy.ROLES,
        List.of(all),
        placements);
  }

  private Plan chain(Workload workload, Slo slo, PlanListener listener) {
    String twin = device + "*";
    LayerRange front = ends.front();
    LayerRange back = ends.back(model.layerCount());
    PlannedModel planned = new PlannedModel(model, options.kvType());
    List<DeviceProfile> devices = new ArrayList<>();
    for (DeviceProfile each : fleet.devices()) {
      if (each.id().equals(device)) {
        long memory = each.memoryBytes();
        devices.add(each.withMemory(planned.part(memory, front, back)));
        devices.add(each.withMemory(planned.part(memory, back, front)).named(twin, each.name()));
      } else {
        devices.add(each);
      }
    }
    PlanOptions pinned =
        options.toBuilder()
            .strategy(CHAIN)
            .withoutEnds()
            .pin(device, front)
            .pin(twin, back)
            .build();
    Fleet both = new Fleet(fleet.name(), devices, links(twin));
    return joined(planner.plan(model, both, workload, slo, pinned, listener), twin);
  }

  private List<LinkProfile> links(String twin) {
    List<LinkProfile> links = new ArrayList<>(fleet.links());
    for (LinkProfile link : fleet.links()) {
      if (link.a().equals(device) || link.b().equals(device)) {
        String other = link.a().equals(device) ? link.b() : link.a();
        links.add(
            new LinkProfile(
                twin, other, link.bytesPerSecond(), link.latencySeconds(), link.medium()));
      }
    }
    links.add(new LinkProfile(device, twin, Double.MAX_VALUE, 0, null));
    return links;
  }

  /** The plan with one device again. */
  private Plan joined(Plan plan, String twin) {
    List<ReplicaPlan> replicas = new ArrayList<>();
    for (ReplicaPlan replica : plan.replicas()) {
      List<StagePlan> stages = new ArrayList<>();
      for (StagePlan stage : replica.stages()) {
        boolean twins = stage.device().equals(twin);
        stages.add(twins ? new StagePlan(device, stage.layers()) : stage);
      }
      replicas.add(new ReplicaPlan(replica.role(), stages, replica.kvTokens(), replica.expected()));
    }
    List<Placement> placements = new ArrayList<>();
    for (Placement placement : plan.placements()) {
      if (placement.device().equals(device)) {
        placements.add(
            new Placement(
                device,
                true,
                "Keeps the first "
                    + ends.first()
                    + " layers and the last "
                    + ends.last()
                    + ", as its app wishes."));
      } else if (!placement.device().equals(twin)) {
        String reason = placement.reason().replace(twin, device);
        placements.add(new Placement(placement.device(), placement.placed(), reason));
      }
    }
    return plan.with(replicas, placements);
  }
}

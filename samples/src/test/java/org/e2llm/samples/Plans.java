package org.e2llm.samples;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.WireFormats;

/** Plans for the model that ships with the samples, cut as a test says. */
public final class Plans {
  private Plans() {}

  /** Of the model that ships with the samples, see below. */
  public static Plan of(List<String> devices, int... cuts) {
    return of("stories260K", 5, 512, devices, cuts);
  }

  /**
   * One replica over the devices; {@code cuts} are the first layers of all stages but the first.
   */
  public static Plan of(String model, int layers, int context, List<String> devices, int... cuts) {
    List<StagePlan> stages = new ArrayList<>();
    List<Placement> placements = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      int from = i == 0 ? 0 : cuts[i - 1];
      int to = i == cuts.length ? layers : cuts[i];
      stages.add(new StagePlan(devices.get(i), LayerRange.of(from, to)));
      placements.add(new Placement(devices.get(i), true, "the test says so"));
    }
    return new Plan(
        PlanOrder.NONE,
        new PlannedFor(model, "", layers, KvType.F16, context, Arithmetic.F32),
        "own",
        WireFormats.lossless(KvType.F16),
        ServingPolicy.ROLES,
        List.of(new ReplicaPlan(Role.MIXED, stages, 100_000, new ReplicaPlan.Expected(0, 0, 0, 0))),
        placements);
  }
}

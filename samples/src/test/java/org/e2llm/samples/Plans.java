package org.e2llm.samples;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;

/** Plans cut as a test says. */
public final class Plans {
  private static final long KV_TOKENS = 100_000;

  private Plans() {}

  /** Of the model that ships with the samples, see below. */
  public static Plan of(List<String> devices, int... cuts) {
    return of("stories260K", 5, 512, devices, cuts);
  }

  /**
   * One replica over the devices; {@code cuts} are the first layers of all stages but the first.
   */
  public static Plan of(String model, int layers, int context, List<String> devices, int... cuts) {
    List<StagePlan> stages = stages(layers, devices, cuts);
    return Plan.own(
        new PlannedFor(model, "", layers, KvType.F16, context, Arithmetic.F32), stages, KV_TOKENS);
  }

  /** Stages of a replica; {@code cuts} are the first layers of all but the first. */
  public static List<StagePlan> stages(int layers, List<String> devices, int... cuts) {
    List<StagePlan> stages = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      int from = i == 0 ? 0 : cuts[i - 1];
      int to = i == cuts.length ? layers : cuts[i];
      stages.add(new StagePlan(devices.get(i), LayerRange.of(from, to)));
    }
    return stages;
  }

  /** One replica that computes prompts and one that decodes, of the model of the samples. */
  public static Plan roles(List<StagePlan> prefill, List<StagePlan> decode) {
    Plan mixed =
        Plan.own(
            new PlannedFor("stories260K", "", 5, KvType.F16, 512, Arithmetic.F32),
            prefill,
            KV_TOKENS);
    List<Placement> placements = new ArrayList<>(mixed.placements());
    for (StagePlan stage : decode) {
      placements.add(new Placement(stage.device(), true, "The app says so."));
    }
    ReplicaPlan.Expected unknown = new ReplicaPlan.Expected(0, 0, 0, 0);
    return new Plan(
        mixed.order(),
        mixed.model(),
        mixed.strategy(),
        mixed.wire(),
        mixed.policy(),
        List.of(
            new ReplicaPlan(Role.PREFILL, prefill, KV_TOKENS, unknown),
            new ReplicaPlan(Role.DECODE, decode, KV_TOKENS, unknown)),
        placements);
  }
}

package org.e2llm.samples;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.StagePlan;

/** Plans of one replica, cut as a test says. */
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
    List<StagePlan> stages = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      int from = i == 0 ? 0 : cuts[i - 1];
      int to = i == cuts.length ? layers : cuts[i];
      stages.add(new StagePlan(devices.get(i), LayerRange.of(from, to)));
    }
    return Plan.own(
        new PlannedFor(model, "", layers, KvType.F16, context, Arithmetic.F32), stages, KV_TOKENS);
  }
}

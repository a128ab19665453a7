package org.e2llm.planner.simulator;

import java.util.Map;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.WireFormats;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.planner.cost.StageCost;

/** Every step of a device takes the same time: a server of queueing theory. */
record FixedCost(PlannedModel model, WireFormats wire, Map<String, Double> seconds)
    implements CostModel {
  @Override
  public StageCost stage(DeviceProfile device, LayerRange layers) {
    double fixed = seconds.get(device.id());
    return (prompt, context, rows, cached, logits) -> fixed;
  }

  @Override
  public CostModel withWire(WireFormats newWire) {
    return new FixedCost(model, newWire, seconds);
  }
}

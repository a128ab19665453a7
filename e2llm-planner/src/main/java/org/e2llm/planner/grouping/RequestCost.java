package org.e2llm.planner.grouping;

import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.planner.cost.CostModel;
import org.e2llm.planner.cost.StageCost;

/** How long a stage is busy for one mean request, in seconds. */
final class RequestCost {
  private RequestCost() {}

  /** Full chunks, shared by prompts where they are short. */
  private static double prefill(StageCost stage, Demand demand) {
    int ends = Math.max(1, (int) Math.round(demand.chunk() / demand.prompt()));
    double chunk = stage.prefillSeconds(demand.chunk(), demand.promptContext(), ends);
    return chunk * demand.prompt() / demand.chunk();
  }

  /** As many steps as tokens, each shared by the batch. */
  private static double decode(StageCost stage, Demand demand, int batch) {
    long cached = (long) (batch * demand.decodeContext());
    return demand.output() * stage.decodeSeconds(batch, cached) / batch;
  }

  /** Its work or its network interface, whichever takes longer. */
  static double busy(
      CostModel cost,
      DeviceProfile device,
      Demand demand,
      LayerRange layers,
      int batch,
      Role role) {
    return busy(cost, cost.stage(device, layers), device, demand, layers, batch, role);
  }

  /** The same where the cost of the stage is at hand. */
  static double busy(
      CostModel cost,
      StageCost stage,
      DeviceProfile device,
      Demand demand,
      LayerRange layers,
      int batch,
      Role role) {
    boolean prefill = role != Role.DECODE;
    boolean decode = role != Role.PREFILL;
    double compute =
        (prefill ? prefill(stage, demand) : 0) + (decode ? decode(stage, demand, batch) : 0);
    double bytes = nicBytes(cost, demand, layers, prefill, decode);
    return Math.max(compute, bytes / device.nic().bytesPerSecond());
  }

  /**
   * For a request that has the stage to itself or shares it with the rest of its batch: every chunk
   * and every step count, whoever else is in it.
   */
  static double latency(StageCost stage, Demand demand, int batch) {
    int rows = (int) Math.ceil(demand.prompt() / demand.chunks());
    long cached = (long) (batch * demand.decodeContext());
    return demand.chunks() * stage.prefillSeconds(rows, demand.promptContext(), 1)
        + demand.output() * stage.decodeSeconds(batch, cached);
  }

  /**
   * Bytes through the busier direction of a stage's network interface: hidden states in and out,
   * and its part of the KV cache, which leaves where the replica does prefill alone and comes where
   * it does decode alone.
   */
  private static double nicBytes(
      CostModel cost, Demand demand, LayerRange layers, boolean prefill, boolean decode) {
    double rows = (prefill ? demand.prompt() : 0) + (decode ? demand.output() : 0);
    double hidden = rows * cost.hiddenBytes(1);
    double kv = prefill == decode ? 0 : demand.prompt() * cost.handoffBytes(layers.size(), 1);
    double in = (layers.from() > 0 ? hidden : 0) + (decode ? kv : 0);
    double out = (layers.to() < cost.model().layerCount() ? hidden : 0) + (prefill ? kv : 0);
    return Math.max(in, out);
  }
}

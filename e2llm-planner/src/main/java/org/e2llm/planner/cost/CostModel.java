package org.e2llm.planner.cost;

import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.WireFormats;

/**
 * What everything costs for one model and one set of wire formats. Implementations differ in how
 * they know step times; bytes follow from the model.
 */
public interface CostModel {
  PlannedModel model();

  WireFormats wire();

  /** Step times of layers {@code [from, to)}, not empty, on a device. */
  StageCost stage(DeviceProfile device, LayerRange layers);

  /** Whether no step of the one can be told from the same step of the other. */
  default boolean sameCosts(DeviceProfile a, DeviceProfile b) {
    return a.sameKind(b);
  }

  /** The same with other wire formats. */
  CostModel withWire(WireFormats wire);

  /** Bytes that {@code rows} hidden states take between two stages. */
  default long hiddenBytes(int rows) {
    return rows * wire().hidden().bytes(model().hidden());
  }

  /** Seconds until hidden states have crossed an idle link. */
  default double hiddenSeconds(LinkProfile link, int rows) {
    return link.seconds(hiddenBytes(rows));
  }

  /** Bytes on the wire of the KV cache of {@code tokens} over {@code layers} layers. */
  default long handoffBytes(int layers, long tokens) {
    return tokens * model().spec().kvBytesPerToken(wire().kv(), LayerRange.of(0, layers));
  }

  /** Seconds until that KV cache has crossed an idle link between two owners. */
  default double handoffSeconds(LinkProfile link, int layers, long tokens) {
    return link.seconds(handoffBytes(layers, tokens));
  }

  /** All a device must offer to host {@code layers} with {@code tokens} cached. */
  default long memoryBytes(LayerRange layers, long tokens) {
    return model().memoryBytes(layers.from(), layers.to(), tokens);
  }
}

package org.e2llm.plan;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.model.LayerRange;

/**
 * One contiguous layer range on one device.
 *
 * @param device its id
 * @param layers absolute, at least one
 */
public record StagePlan(String device, LayerRange layers) {
  public StagePlan {
    Check.notBlank("stage", "device", device);
    if (layers.size() == 0) {
      throw Check.invalid("stage of " + device, "layers", layers, "at least one layer");
    }
  }

  /** The layers of each, in the same order. */
  public static List<LayerRange> layers(List<StagePlan> stages) {
    List<LayerRange> layers = new ArrayList<>();
    stages.forEach(stage -> layers.add(stage.layers()));
    return layers;
  }
}

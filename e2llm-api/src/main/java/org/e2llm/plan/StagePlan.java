package org.e2llm.plan;

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
}

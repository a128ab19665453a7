package org.e2llm.plan;

import java.util.List;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.LayerRange;

/**
 * Layers at both ends of a model that a device keeps for its own sessions, with the embedding and
 * the output head: tokens never leave the device, others see hidden states between its layers only.
 *
 * @param first so many layers from layer 0 on
 * @param last so many layers before the head
 */
public record KeptEnds(int first, int last) {
  public KeptEnds {
    if (first < 1 || last < 1) {
      throw new InvalidRequestException(
          "a device cannot keep "
              + first
              + " layers at the beginning and "
              + last
              + " at the end: it keeps at least one at each end");
    }
  }

  /** The first ones of a model. */
  public LayerRange front() {
    return LayerRange.of(0, first);
  }

  /** The last ones of a model of so many layers. */
  public LayerRange back(int layerCount) {
    return LayerRange.of(layerCount - last, layerCount);
  }

  /** Whether nothing of a model of so many layers is left for others. */
  public boolean isAll(int layerCount) {
    return first + last >= layerCount;
  }

  /** Whether a replica leaves both ends to a device. */
  public boolean areKept(ReplicaPlan replica, String device) {
    List<StagePlan> stages = replica.stages();
    StagePlan front = stages.get(0);
    StagePlan back = stages.get(stages.size() - 1);
    return front.device().equals(device)
        && back.device().equals(device)
        && front.layers().size() >= Math.min(first, replica.layerCount())
        && back.layers().size() >= Math.min(last, replica.layerCount());
  }
}

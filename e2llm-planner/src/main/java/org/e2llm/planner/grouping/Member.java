package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Role;

/**
 * One replica as a search arranges it.
 *
 * @param devices one per stage, in order, by their numbers in the network; not to be changed
 * @param layers one range per stage
 * @param role what it is used for
 * @param estimate what is expected of it
 * @param rate requests per second in its role
 */
public record Member(
    int[] devices, List<LayerRange> layers, Role role, ReplicaEstimate estimate, double rate) {

  /** Without the devices that the shape passes over. */
  static Member of(int[] group, Role role, GroupShape shape) {
    int[] used =
        IntStream.range(0, group.length)
            .filter(i -> shape.layers().get(i).size() > 0)
            .map(i -> group[i])
            .toArray();
    List<LayerRange> layers = new ArrayList<>(shape.layers());
    layers.removeIf(range -> range.size() == 0);
    return new Member(used, List.copyOf(layers), role, shape.estimate(), shape.rate());
  }
}

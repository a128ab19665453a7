package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
    int[] used = new int[group.length];
    List<LayerRange> layers = new ArrayList<>(group.length);
    for (int i = 0; i < group.length; i++) {
      LayerRange range = shape.layers().get(i);
      if (range.size() > 0) {
        used[layers.size()] = group[i];
        layers.add(range);
      }
    }
    used = Arrays.copyOf(used, layers.size());
    return new Member(used, List.copyOf(layers), role, shape.estimate(), shape.rate());
  }
}

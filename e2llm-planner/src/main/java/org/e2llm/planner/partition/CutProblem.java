package org.e2llm.planner.partition;

import org.e2llm.model.LayerRange;
import org.jspecify.annotations.Nullable;

/**
 * Layers to be cut over devices in a given order, as numbers. The arrays are not copied and may be
 * shared: a search asks for thousands of cuts over the same tables.
 *
 * <p>{@code stage[i][to * (layers + 1) + from]} is what device i needs for layers {@code [from,
 * to)}, infinite where they do not fit there. It must not fall when {@code from} does. What goes
 * with the ends of the chain (embedding, output head) is in the entries with {@code from = 0} and
 * {@code to = layers}.
 */
public final class CutProblem {
  final int devices;
  final int layers;
  final double[][] stage;
  final double[][] room;
  final double need;
  final double[] occupancy;
  final double[] delay;
  final @Nullable LayerRange[] pins;

  /**
   * Takes the arrays over.
   *
   * @param layers to be cut
   * @param stage cost tables, one per device
   * @param room tables of what fits, one per device
   * @param need what must fit on every stage
   * @param occupancy {@code [a * devices + b]}: how long the link from a to b is busy; counts as a
   *     bottleneck like a stage
   * @param delay {@code [a * devices + b]}: what the link adds to the sum
   * @param pins layers a device must have, exactly, or null where it is free
   */
  public CutProblem(
      int layers,
      double[][] stage,
      double[][] room,
      double need,
      double[] occupancy,
      double[] delay,
      @Nullable LayerRange[] pins) {
    this.devices = stage.length;
    this.layers = layers;
    this.stage = stage;
    this.room = room;
    this.need = need;
    this.occupancy = occupancy;
    this.delay = delay;
    this.pins = pins;
    int entries = (layers + 1) * (layers + 1);
    for (double[] table : stage) {
      require(table.length == entries, "a table of " + table.length + " entries");
    }
    require(layers > 0 && devices > 0, layers + " layers over " + devices + " devices");
    require(
        occupancy.length == devices * devices
            && delay.length == devices * devices
            && room.length == devices
            && pins.length == devices,
        "room, links or pins of another number of devices");
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new IllegalArgumentException(otherwise);
    }
  }

  /** Where the entry of a range lies in a table. */
  public static int index(int layers, int from, int to) {
    return to * (layers + 1) + from;
  }
}

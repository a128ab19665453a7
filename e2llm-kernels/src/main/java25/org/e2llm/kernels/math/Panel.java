package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import jdk.incubator.vector.FloatVector;

/**
 * Several rows side by side, in the order in which {@link Tile} reads them: {@code
 * [strip][group][row][lane]}. One stream instead of many keeps loads at fixed distances, and half
 * of an L1 cache holds what one strip needs.
 */
final class Panel {
  private Panel() {}

  /** From a group of a row to its next. */
  static int groupStride(int rows) {
    return rows * COUNT;
  }

  /** From a strip to the next, for rows of {@code n} elements. */
  static int stripStride(int rows, int n) {
    return n / GROUP * rows * COUNT;
  }

  /** Copies {@code n} floats, a multiple of 16, as row {@code row} of a panel at {@code to}. */
  static void pack(float[] from, int fromIndex, int n, float[] panel, int to, int rows, int row) {
    int groupStride = groupStride(rows);
    int stripStride = stripStride(rows, n);
    int o = to + row * COUNT;
    for (int i = 0; i < n; i += GROUP, o += groupStride) {
      for (int h = 0; h < STRIPS; h++) {
        FloatVector.fromArray(F, from, fromIndex + i + h * COUNT)
            .intoArray(panel, o + h * stripStride);
      }
    }
  }
}

package org.e2llm.kernels.model;

/**
 * Which layers see only the last positions.
 *
 * @param positions how many positions a sliding layer sees, its own among them; 0 where none slides
 * @param globalEvery every n-th layer (n, 2n, ... counted from 1) sees everything
 */
public record SlidingWindow(int positions, int globalEvery) {
  public static final SlidingWindow NONE = new SlidingWindow(0, 1);

  public boolean slides(int layer) {
    return positions > 0 && (layer + 1) % globalEvery != 0;
  }

  /** The first position that {@code position} sees in {@code layer}. */
  public int firstVisible(int layer, int position) {
    return slides(layer) ? Math.max(0, position - positions + 1) : 0;
  }
}

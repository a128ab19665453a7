package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/** Rotary positions. */
final class VectorRotation {
  /** Each angle twice, for a vector of pairs: the first half of the angles, then the second. */
  private static final VectorShuffle<Float> FIRST = VectorShuffle.fromOp(F, i -> i / 2);

  private static final VectorShuffle<Float> SECOND = VectorShuffle.fromOp(F, i -> (COUNT + i) / 2);
  private static final VectorShuffle<Float> SWAP = VectorShuffle.fromOp(F, i -> i ^ 1);
  private static final FloatVector SIGN = FloatVector.fromArray(F, signs(), 0);

  private VectorRotation() {}

  private static float[] signs() {
    float[] signs = new float[COUNT];
    for (int i = 0; i < COUNT; i++) {
      signs[i] = i % 2 == 0 ? -1f : 1f;
    }
    return signs;
  }

  /** Rotates as many of the {@code pairs (i, i + pairs)} as fill vectors; returns how many. */
  static int halves(float[] x, int xOffset, float[] cos, float[] sin, int angles, int pairs) {
    int i = 0;
    for (; i <= pairs - COUNT; i += COUNT) {
      FloatVector a = FloatVector.fromArray(F, x, xOffset + i);
      FloatVector b = FloatVector.fromArray(F, x, xOffset + pairs + i);
      FloatVector c = FloatVector.fromArray(F, cos, angles + i);
      FloatVector s = FloatVector.fromArray(F, sin, angles + i);
      a.mul(c).sub(b.mul(s)).intoArray(x, xOffset + i);
      a.mul(s).add(b.mul(c)).intoArray(x, xOffset + pairs + i);
    }
    return i;
  }

  /**
   * Rotates as many of the pairs {@code (2i, 2i + 1)} as fill two vectors; returns how many. A
   * vector becomes {@code (a, b) c + (b, a) (-s, s)}: a product with -s is the negative product,
   * exactly.
   */
  static int neighbours(float[] x, int xOffset, float[] cos, float[] sin, int angles, int pairs) {
    int i = 0;
    for (; i <= pairs - COUNT; i += COUNT) {
      FloatVector c = FloatVector.fromArray(F, cos, angles + i);
      FloatVector s = FloatVector.fromArray(F, sin, angles + i);
      int at = xOffset + 2 * i;
      FloatVector v = FloatVector.fromArray(F, x, at);
      v.mul(c.rearrange(FIRST))
          .add(v.rearrange(SWAP).mul(s.rearrange(FIRST).mul(SIGN)))
          .intoArray(x, at);
      v = FloatVector.fromArray(F, x, at + COUNT);
      v.mul(c.rearrange(SECOND))
          .add(v.rearrange(SWAP).mul(s.rearrange(SECOND).mul(SIGN)))
          .intoArray(x, at + COUNT);
    }
    return i;
  }
}

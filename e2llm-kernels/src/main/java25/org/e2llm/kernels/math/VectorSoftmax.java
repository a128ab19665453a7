package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Softmax whose sum follows absolute positions. */
final class VectorSoftmax {
  private VectorSoftmax() {}

  static void softmax(float[] scores, int offset, int n, int firstPosition) {
    float max = max(scores, offset, n);
    int i = 0;
    for (; i <= n - COUNT; i += COUNT) {
      VectorMath.exp(FloatVector.fromArray(F, scores, offset + i).sub(max))
          .intoArray(scores, offset + i);
    }
    for (; i < n; i++) {
      scores[offset + i] = Elementary.exp(scores[offset + i] - max);
    }
    float total = total(scores, offset, n, firstPosition);
    i = 0;
    for (; i <= n - COUNT; i += COUNT) {
      FloatVector.fromArray(F, scores, offset + i).div(total).intoArray(scores, offset + i);
    }
    for (; i < n; i++) {
      scores[offset + i] /= total;
    }
  }

  /** By comparison: NaN never wins, and order does not matter. */
  private static float max(float[] x, int offset, int n) {
    FloatVector best = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (; i <= n - COUNT; i += COUNT) {
      FloatVector v = FloatVector.fromArray(F, x, offset + i);
      best = best.blend(v, v.compare(VectorOperators.GT, best));
    }
    float max = Float.NEGATIVE_INFINITY;
    for (int lane = 0; lane < COUNT; lane++) {
      max = best.lane(lane) > max ? best.lane(lane) : max;
    }
    for (; i < n; i++) {
      max = x[offset + i] > max ? x[offset + i] : max;
    }
    return max;
  }

  /**
   * Groups start where the absolute position is a multiple of 16; parts of groups go by element.
   */
  private static float total(float[] x, int offset, int n, int firstPosition) {
    int head = Math.min(n, -firstPosition & GROUP - 1);
    int groups = (n - head) / GROUP;
    if (groups == 0) {
      return ScalarKernels.sum(x, offset, n, firstPosition);
    }
    int lead = head == 0 ? 0 : GROUP - head;
    int tailAt = offset + head + groups * GROUP;
    int tail = n - head - groups * GROUP;
    FloatVector s0 = part(x, offset, head, lead, 0);
    FloatVector s1 = part(x, offset, head, lead, 1);
    FloatVector s2 = part(x, offset, head, lead, 2);
    FloatVector s3 = part(x, offset, head, lead, 3);
    for (int g = 0, at = offset + head; g < groups; g++, at += GROUP) {
      s0 = s0.add(FloatVector.fromArray(F, x, at));
      if (Lanes.STRIPS > 1) {
        s1 = s1.add(FloatVector.fromArray(F, x, at + COUNT));
      }
      if (Lanes.STRIPS > 2) {
        s2 = s2.add(FloatVector.fromArray(F, x, at + 2 * COUNT));
        s3 = s3.add(FloatVector.fromArray(F, x, at + 3 * COUNT));
      }
    }
    return Lanes.sum(
        s0.add(part(x, tailAt, tail, 0, 0)),
        s1.add(part(x, tailAt, tail, 0, 1)),
        s2.add(part(x, tailAt, tail, 0, 2)),
        s3.add(part(x, tailAt, tail, 0, 3)));
  }

  /**
   * Strip {@code strip} of a group in which only lanes {@code lead} to {@code lead + count} are
   * there; the others are +0, which changes no sum of exponentials.
   */
  private static FloatVector part(float[] x, int at, int count, int lead, int strip) {
    int first = strip * COUNT - lead;
    if (first >= count || first + COUNT <= 0) {
      return FloatVector.zero(F);
    }
    var mask = F.indexInRange(first, count);
    return FloatVector.fromArray(F, x, at + first, mask);
  }
}

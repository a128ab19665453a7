package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Softmax whose sum follows absolute positions. */
final class VectorSoftmax {
  private VectorSoftmax() {}

  static void softmax(float[] scores, int offset, int n, int firstPosition) {
    float max = max(scores, offset, n);
    int i = 0;
    for (; i <= n - COUNT; i += COUNT) {
      FloatVector.fromArray(F, scores, offset + i).sub(max).intoArray(scores, offset + i);
    }
    for (; i < n; i++) {
      scores[offset + i] -= max;
    }
    VectorExp.exp(scores, offset, n);
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
    FloatVector other;
    if (COUNT > 8) {
      other = best.rearrange(Lanes.BY_8);
      best = best.blend(other, other.compare(VectorOperators.GT, best));
    }
    if (COUNT > 4) {
      other = best.rearrange(Lanes.BY_4);
      best = best.blend(other, other.compare(VectorOperators.GT, best));
    }
    other = best.rearrange(Lanes.BY_2);
    best = best.blend(other, other.compare(VectorOperators.GT, best));
    other = best.rearrange(Lanes.BY_1);
    best = best.blend(other, other.compare(VectorOperators.GT, best));
    float max = best.lane(0);
    for (; i < n; i++) {
      max = x[offset + i] > max ? x[offset + i] : max;
    }
    return max;
  }

  /**
   * Groups start where the absolute position is a multiple of 16. The first and the last may lack
   * lanes: those count as +0, which changes no sum of exponentials.
   */
  private static float total(float[] x, int offset, int n, int firstPosition) {
    int lead = firstPosition & (GROUP - 1);
    int groups = (n + lead) / GROUP;
    if (groups == 0) {
      return ScalarKernels.sum(x, offset, n, firstPosition);
    }
    int start = offset - lead;
    int end = start + groups * GROUP;
    int rest = offset + n - end;
    FloatVector s0 = FloatVector.fromArray(F, x, start, F.indexInRange(-lead, GROUP));
    FloatVector s1 = FloatVector.zero(F);
    FloatVector s2 = s1;
    FloatVector s3 = s1;
    if (STRIPS > 1) {
      s1 = FloatVector.fromArray(F, x, start + COUNT, F.indexInRange(COUNT - lead, GROUP));
    }
    if (STRIPS > 2) {
      s2 = FloatVector.fromArray(F, x, start + 2 * COUNT, F.indexInRange(2 * COUNT - lead, GROUP));
      s3 = FloatVector.fromArray(F, x, start + 3 * COUNT, F.indexInRange(3 * COUNT - lead, GROUP));
    }
    for (int at = start + GROUP; at < end; at += GROUP) {
      s0 = s0.add(FloatVector.fromArray(F, x, at));
      if (STRIPS > 1) {
        s1 = s1.add(FloatVector.fromArray(F, x, at + COUNT));
      }
      if (STRIPS > 2) {
        s2 = s2.add(FloatVector.fromArray(F, x, at + 2 * COUNT));
        s3 = s3.add(FloatVector.fromArray(F, x, at + 3 * COUNT));
      }
    }
    s0 = s0.add(FloatVector.fromArray(F, x, end, F.indexInRange(0, rest)));
    if (STRIPS > 1) {
      s1 = s1.add(FloatVector.fromArray(F, x, end + COUNT, F.indexInRange(COUNT, rest)));
    }
    if (STRIPS > 2) {
      s2 = s2.add(FloatVector.fromArray(F, x, end + 2 * COUNT, F.indexInRange(2 * COUNT, rest)));
      s3 = s3.add(FloatVector.fromArray(F, x, end + 3 * COUNT, F.indexInRange(3 * COUNT, rest)));
    }
    // The tree of Lanes.sum, here because a call would box its arguments.
    if (STRIPS == 1) {
      s0 = s0.add(s0.rearrange(Lanes.BY_8));
    } else if (STRIPS == 2) {
      s0 = s0.add(s1);
    } else {
      s0 = s0.add(s2).add(s1.add(s3));
    }
    if (COUNT > 4) {
      s0 = s0.add(s0.rearrange(Lanes.BY_4));
    }
    s0 = s0.add(s0.rearrange(Lanes.BY_2));
    s0 = s0.add(s0.rearrange(Lanes.BY_1));
    return s0.lane(0);
  }
}

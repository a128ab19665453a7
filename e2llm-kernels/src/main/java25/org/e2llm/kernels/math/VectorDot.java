package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** The canonical dot product of two arrays. */
final class VectorDot {
  private VectorDot() {}

  static float dot(float[] a, int ai, float[] b, int bi, int n) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = FloatVector.zero(F);
    FloatVector s2 = FloatVector.zero(F);
    FloatVector s3 = FloatVector.zero(F);
    int i = 0;
    for (; i <= n - GROUP; i += GROUP) {
      s0 = product(a, ai + i, b, bi + i, s0);
      if (STRIPS > 1) {
        s1 = product(a, ai + i + COUNT, b, bi + i + COUNT, s1);
      }
      if (STRIPS > 2) {
        s2 = product(a, ai + i + 2 * COUNT, b, bi + i + 2 * COUNT, s2);
        s3 = product(a, ai + i + 3 * COUNT, b, bi + i + 3 * COUNT, s3);
      }
    }
    if (i < n) {
      s0 = rest(a, ai + i, b, bi + i, n - i, s0);
      s1 = rest(a, ai + i + COUNT, b, bi + i + COUNT, n - i - COUNT, s1);
      s2 = rest(a, ai + i + 2 * COUNT, b, bi + i + 2 * COUNT, n - i - 2 * COUNT, s2);
      s3 = rest(a, ai + i + 3 * COUNT, b, bi + i + 3 * COUNT, n - i - 3 * COUNT, s3);
    }
    return Lanes.sum(s0, s1, s2, s3);
  }

  private static FloatVector product(float[] a, int ai, float[] b, int bi, FloatVector sum) {
    return FloatVector.fromArray(F, a, ai).fma(FloatVector.fromArray(F, b, bi), sum);
  }

  private static FloatVector rest(float[] a, int ai, float[] b, int bi, int left, FloatVector sum) {
    if (left <= 0) {
      return sum;
    }
    VectorMask<Float> mask = F.indexInRange(0, left);
    FloatVector x = FloatVector.fromArray(F, a, ai, mask);
    FloatVector y = FloatVector.fromArray(F, b, bi, mask);
    return sum.blend(x.fma(y, sum), mask);
  }
}

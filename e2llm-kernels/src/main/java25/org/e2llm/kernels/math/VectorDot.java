package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import jdk.incubator.vector.FloatVector;

/** The canonical dot product of two arrays. */
final class VectorDot {
  private VectorDot() {}

  static float dot(float[] a, int ai, float[] b, int bi, int n) {
    return n % GROUP == 0 ? groups(a, ai, b, bi, n) : ScalarKernels.dot(a, ai, b, bi, n);
  }

  private static float groups(float[] a, int ai, float[] b, int bi, int n) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int i = 0; i < n; i += GROUP) {
      int p = ai + i;
      int q = bi + i;
      s0 = FloatVector.fromArray(F, a, p).fma(FloatVector.fromArray(F, b, q), s0);
      if (STRIPS > 1) {
        p += COUNT;
        q += COUNT;
        s1 = FloatVector.fromArray(F, a, p).fma(FloatVector.fromArray(F, b, q), s1);
      }
      if (STRIPS > 2) {
        p += COUNT;
        q += COUNT;
        s2 = FloatVector.fromArray(F, a, p).fma(FloatVector.fromArray(F, b, q), s2);
        p += COUNT;
        q += COUNT;
        s3 = FloatVector.fromArray(F, a, p).fma(FloatVector.fromArray(F, b, q), s3);
      }
    }
    // The tree of Lanes.sum, here because a call may box its arguments.
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

package org.e2llm.kernels.math;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * {@link Elementary#exp} of an array: the same operations in the same order.
 *
 * <p>Over an array, since a method that takes or gives a vector boxes it wherever it is not
 * inlined, and whether it is depends on when the JVM compiled it: in some starts it stayed boxed
 * for good.
 */
final class VectorExp {
  private VectorExp() {}

  /** In place. */
  static void exp(float[] values, int from, int n) {
    FloatVector round = FloatVector.broadcast(F, Elementary.ROUND);
    FloatVector one = FloatVector.broadcast(F, 1f);
    int i = 0;
    for (; i <= n - COUNT; i += COUNT) {
      FloatVector x = FloatVector.fromArray(F, values, from + i);
      x = x.blend(Elementary.EXP_MAX, x.compare(GT, Elementary.EXP_MAX));
      x = x.blend(Elementary.EXP_MIN, x.compare(LT, Elementary.EXP_MIN));
      FloatVector shifted = x.fma(FloatVector.broadcast(F, Elementary.LOG2_E), round);
      FloatVector m = shifted.sub(round);
      FloatVector r = m.fma(FloatVector.broadcast(F, -Elementary.LN2_HIGH), x);
      r = m.fma(FloatVector.broadcast(F, -Elementary.LN2_LOW), r);
      FloatVector p =
          r.fma(FloatVector.broadcast(F, Elementary.C7), FloatVector.broadcast(F, Elementary.C6));
      p = p.fma(r, FloatVector.broadcast(F, Elementary.C5));
      p = p.fma(r, FloatVector.broadcast(F, Elementary.C4));
      p = p.fma(r, FloatVector.broadcast(F, Elementary.C3));
      p = p.fma(r, FloatVector.broadcast(F, Elementary.C2));
      p = p.fma(r, one).fma(r, one);
      IntVector exponent = shifted.viewAsIntegralLanes().sub(Elementary.ROUND_BITS);
      IntVector half = exponent.lanewise(ASHR, 1);
      IntVector rest = exponent.sub(half);
      p.mul(half.add(127).lanewise(LSHL, 23).viewAsFloatingLanes())
          .mul(rest.add(127).lanewise(LSHL, 23).viewAsFloatingLanes())
          .intoArray(values, from + i);
    }
    for (; i < n; i++) {
      values[from + i] = Elementary.exp(values[from + i]);
    }
  }
}

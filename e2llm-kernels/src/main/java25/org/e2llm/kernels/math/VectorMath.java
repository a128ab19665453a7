package org.e2llm.kernels.math;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** {@link Elementary} and {@link Half} in vectors: the same operations in the same order. */
final class VectorMath {
  /** The exponent of an infinity or NaN in a half that was shifted left by 13. */
  static final int SPECIAL_EXPONENT = 0x0f800000;

  private VectorMath() {}

  static FloatVector exp(FloatVector x) {
    x = x.blend(Elementary.EXP_MAX, x.compare(GT, Elementary.EXP_MAX));
    x = x.blend(Elementary.EXP_MIN, x.compare(LT, Elementary.EXP_MIN));
    FloatVector round = FloatVector.broadcast(Lanes.F, Elementary.ROUND);
    FloatVector shifted = x.fma(FloatVector.broadcast(Lanes.F, Elementary.LOG2_E), round);
    FloatVector n = shifted.sub(round);
    FloatVector r = n.fma(FloatVector.broadcast(Lanes.F, -Elementary.LN2_HIGH), x);
    r = n.fma(FloatVector.broadcast(Lanes.F, -Elementary.LN2_LOW), r);
    FloatVector p = r.fma(constant(Elementary.C7), constant(Elementary.C6));
    p = p.fma(r, constant(Elementary.C5));
    p = p.fma(r, constant(Elementary.C4));
    p = p.fma(r, constant(Elementary.C3));
    p = p.fma(r, constant(Elementary.C2));
    p = p.fma(r, constant(1f));
    p = p.fma(r, constant(1f));
    IntVector exponent = shifted.viewAsIntegralLanes().sub(Elementary.ROUND_BITS);
    IntVector half = exponent.lanewise(ASHR, 1);
    return p.mul(powerOfTwo(half)).mul(powerOfTwo(exponent.sub(half)));
  }

  private static FloatVector constant(float value) {
    return FloatVector.broadcast(Lanes.F, value);
  }

  private static FloatVector powerOfTwo(IntVector exponent) {
    return exponent.add(127).lanewise(LSHL, 23).viewAsFloatingLanes();
  }

  static FloatVector silu(FloatVector v) {
    return v.div(exp(v.neg()).add(1f));
  }

  static FloatVector gelu(FloatVector v) {
    FloatVector cubic = v.mul(v).fma(constant(Elementary.GELU_3), constant(Elementary.GELU_1));
    return v.div(exp(v.mul(cubic)).add(1f));
  }

  static void floatToHalf(FloatVector x, short[] half, int at) {
    IntVector bits = x.viewAsIntegralLanes();
    IntVector magnitude = bits.and(0x7fffffff);
    IntVector odd = magnitude.lanewise(LSHR, 13).and(1);
    IntVector normal = magnitude.add(0xfff - (112 << 23)).add(odd).lanewise(LSHR, 13).min(0x7c00);
    FloatVector aligned = magnitude.viewAsFloatingLanes().add(0.5f);
    IntVector subnormal = aligned.viewAsIntegralLanes().sub(0x3f000000);
    IntVector nan = magnitude.lanewise(LSHR, 13).and(0x3ff).or(0x7e00);
    IntVector result =
        normal
            .blend(subnormal, magnitude.compare(LT, 0x38800000))
            .blend(nan, magnitude.compare(GT, 0x7f800000))
            .or(bits.lanewise(LSHR, 16).and(0x8000));
    ((ShortVector) result.convertShape(VectorOperators.I2S, Lanes.S, 0)).intoArray(half, at);
  }
}

package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;

import jdk.incubator.vector.FloatVector;

/**
 * The gates of a feed-forward network, {@code v / (1 + e^z) * up}, in passes over arrays: what z is
 * of v, the exponential, the rest. The steps of {@link Elementary}, in the same order.
 */
final class VectorActivation {
  private VectorActivation() {}

  /** SiLU: z = -v. */
  static void negate(float[] v, int vi, float[] z, int n) {
    int i = 0;
    for (; i <= n - COUNT; i += COUNT) {
      FloatVector.fromArray(F, v, vi + i).neg().intoArray(z, i);
    }
    for (; i < n; i++) {
      z[i] = -v[vi + i];
    }
  }

  /** GELU: z = v * (GELU_1 + GELU_3 v²). */
  static void geluExponents(float[] v, int vi, float[] z, int n) {
    int i = 0;
    for (; i <= n - COUNT; i += COUNT) {
      FloatVector x = FloatVector.fromArray(F, v, vi + i);
      x.mul(x)
          .fma(
              FloatVector.broadcast(F, Elementary.GELU_3),
              FloatVector.broadcast(F, Elementary.GELU_1))
          .mul(x)
          .intoArray(z, i);
    }
    for (; i < n; i++) {
      float x = v[vi + i];
      z[i] = x * Math.fma(Elementary.GELU_3, x * x, Elementary.GELU_1);
    }
  }

  /** {@code v = v / (1 + e^z) * up}; z is lost. */
  static void gate(float[] v, int vi, float[] z, float[] up, int upi, int n) {
    VectorExp.exp(z, 0, n);
    int i = 0;
    for (; i <= n - COUNT; i += COUNT) {
      FloatVector.fromArray(F, v, vi + i)
          .div(FloatVector.fromArray(F, z, i).add(1f))
          .mul(FloatVector.fromArray(F, up, upi + i))
          .intoArray(v, vi + i);
    }
    for (; i < n; i++) {
      v[vi + i] = v[vi + i] / (1f + z[i]) * up[upi + i];
    }
  }
}

package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;

import jdk.incubator.vector.FloatVector;

/** The weighted sum of values: four vectors of the head at a time stay in registers. */
final class VectorAttention {
  private VectorAttention() {}

  /** Does as many of the head's dimensions as fill vectors; returns how many. */
  static int values(
      float[] weights,
      int weightsOffset,
      float[] values,
      int valuesOffset,
      int valueStride,
      int positions,
      int headSize,
      float[] out,
      int outOffset) {
    int d = 0;
    for (; d <= headSize - 4 * COUNT; d += 4 * COUNT) {
      four(
          weights,
          weightsOffset,
          values,
          valuesOffset + d,
          valueStride,
          positions,
          out,
          outOffset + d);
    }
    for (; d <= headSize - COUNT; d += COUNT) {
      FloatVector sum = FloatVector.fromArray(F, out, outOffset + d);
      for (int p = 0; p < positions; p++) {
        FloatVector v = FloatVector.fromArray(F, values, valuesOffset + p * valueStride + d);
        sum = v.fma(FloatVector.broadcast(F, weights[weightsOffset + p]), sum);
      }
      sum.intoArray(out, outOffset + d);
    }
    return d;
  }

  private static void four(
      float[] weights,
      int weightsOffset,
      float[] values,
      int valuesOffset,
      int valueStride,
      int positions,
      float[] out,
      int o) {
    FloatVector s0 = FloatVector.fromArray(F, out, o);
    FloatVector s1 = FloatVector.fromArray(F, out, o + COUNT);
    FloatVector s2 = FloatVector.fromArray(F, out, o + 2 * COUNT);
    FloatVector s3 = FloatVector.fromArray(F, out, o + 3 * COUNT);
    for (int p = 0; p < positions; p++) {
      int at = valuesOffset + p * valueStride;
      FloatVector w = FloatVector.broadcast(F, weights[weightsOffset + p]);
      s0 = w.fma(FloatVector.fromArray(F, values, at), s0);
      s1 = w.fma(FloatVector.fromArray(F, values, at + COUNT), s1);
      s2 = w.fma(FloatVector.fromArray(F, values, at + 2 * COUNT), s2);
      s3 = w.fma(FloatVector.fromArray(F, values, at + 3 * COUNT), s3);
    }
    s0.intoArray(out, o);
    s1.intoArray(out, o + COUNT);
    s2.intoArray(out, o + 2 * COUNT);
    s3.intoArray(out, o + 3 * COUNT);
  }
}

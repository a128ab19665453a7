package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;

import jdk.incubator.vector.FloatVector;
import org.e2llm.model.GgmlType;

/**
 * Kernels on the Vector API, with the bits of {@link ScalarKernels}: the same operations on the
 * same operands in the same order, 4, 8 or 16 at a time. What is left over at the end of an array
 * goes to the scalar code.
 */
public final class VectorKernels implements Kernels {
  private final ScalarKernels scalar = new ScalarKernels();

  /**
   * @throws UnsupportedOperationException with the reason, if these would be slower than scalar
   */
  public VectorKernels() {
    VectorSupport.check();
  }

  @Override
  public String name() {
    return "vector" + Lanes.BITS;
  }

  @Override
  public void matmul(
      Tensor w,
      int rowFrom,
      int rowTo,
      float[] x,
      int xOffset,
      int xStride,
      int tokens,
      float[] out,
      int outOffset,
      int outStride,
      Scratch scratch) {
    if (tokens == 1) {
      VectorMatvec.multiply(w, rowFrom, rowTo, x, xOffset, out, outOffset, scratch);
    } else {
      VectorMatmul.multiply(
          w, rowFrom, rowTo, x, xOffset, xStride, tokens, out, outOffset, outStride, scratch);
    }
  }

  @Override
  public void dequantizeRow(Tensor w, int row, float[] out, int outOffset, Scratch scratch) {
    int n = w.columns();
    if (w.type() == GgmlType.F16 && w instanceof SegmentTensor tensor) {
      VectorFloatFormats.f16(tensor.segment(), row * w.rowBytes(), n, out, outOffset);
    } else if (n % GROUP == 0 && w instanceof SegmentTensor tensor) {
      SegmentDequantizer.of(w.type())
          .dequantize(tensor.segment(), row * w.rowBytes(), n, out, outOffset, GROUP, COUNT);
    } else {
      scalar.dequantizeRow(w, row, out, outOffset, scratch);
    }
  }

  @Override
  public void rmsNorm(
      float[] x, int xOffset, float[] weight, int n, float eps, float[] out, int outOffset) {
    float mean = VectorDot.dot(x, xOffset, x, xOffset, n) / n;
    float scale = 1f / (float) Math.sqrt(mean + eps);
    int i = 0;
    for (; i <= n - COUNT; i += COUNT) {
      FloatVector.fromArray(F, x, xOffset + i)
          .mul(scale)
          .mul(FloatVector.fromArray(F, weight, i))
          .intoArray(out, outOffset + i);
    }
    for (; i < n; i++) {
      out[outOffset + i] = x[xOffset + i] * scale * weight[i];
    }
  }

  @Override
  public void add(float[] x, int xOffset, float[] y, int yOffset, int n) {
    int i = 0;
    for (; i <= n - COUNT; i += COUNT) {
      FloatVector.fromArray(F, x, xOffset + i)
          .add(FloatVector.fromArray(F, y, yOffset + i))
          .intoArray(x, xOffset + i);
    }
    scalar.add(x, xOffset + i, y, yOffset + i, n - i);
  }

  @Override
  public void scale(float[] x, int xOffset, float factor, int n) {
    int i = 0;
    for (; i <= n - COUNT; i += COUNT) {
      FloatVector.fromArray(F, x, xOffset + i).mul(factor).intoArray(x, xOffset + i);
    }
    scalar.scale(x, xOffset + i, factor, n - i);
  }

  @Override
  public void siluMultiply(
      float[] gate, int gateOffset, float[] up, int upOffset, int n, Scratch scratch) {
    float[] e = scratch.floats(n);
    VectorActivation.negate(gate, gateOffset, e, n);
    VectorActivation.gate(gate, gateOffset, e, up, upOffset, n);
  }

  @Override
  public void geluMultiply(
      float[] gate, int gateOffset, float[] up, int upOffset, int n, Scratch scratch) {
    float[] e = scratch.floats(n);
    VectorActivation.geluExponents(gate, gateOffset, e, n);
    VectorActivation.gate(gate, gateOffset, e, up, upOffset, n);
  }

  @Override
  public void rotate(
      float[] x, int xOffset, float[] cos, float[] sin, int cosOffset, int pairs, boolean neox) {
    int done =
        neox
            ? VectorRotation.halves(x, xOffset, cos, sin, cosOffset, pairs)
            : VectorRotation.neighbours(x, xOffset, cos, sin, cosOffset, pairs);
    ScalarKernels.rotate(x, xOffset, cos, sin, cosOffset, done, pairs, neox);
  }

  @Override
  public void attentionScores(
      float[] query,
      int queryOffset,
      float[] keys,
      int keysOffset,
      int keyStride,
      int positions,
      int headSize,
      float scale,
      float[] scores,
      int scoresOffset) {
    for (int p = 0; p < positions; p++) {
      float score = VectorDot.dot(query, queryOffset, keys, keysOffset + p * keyStride, headSize);
      scores[scoresOffset + p] = score * scale;
    }
  }

  @Override
  public void softmax(float[] scores, int offset, int n, int firstPosition) {
    VectorSoftmax.softmax(scores, offset, n, firstPosition);
  }

  @Override
  public void attentionValues(
      float[] weights,
      int weightsOffset,
      float[] values,
      int valuesOffset,
      int valueStride,
      int positions,
      int headSize,
      float[] out,
      int outOffset) {
    int d =
        VectorAttention.values(
            weights,
            weightsOffset,
            values,
            valuesOffset,
            valueStride,
            positions,
            headSize,
            out,
            outOffset);
    scalar.attentionValues(
        weights,
        weightsOffset,
        values,
        valuesOffset + d,
        valueStride,
        positions,
        headSize - d,
        out,
        outOffset + d);
  }

  @Override
  public void halfToFloat(short[] half, int halfOffset, float[] out, int outOffset, int n) {
    for (int i = 0; i < n; i++) {
      out[outOffset + i] = Float.float16ToFloat(half[halfOffset + i]);
    }
  }

  @Override
  public void floatToHalf(float[] x, int xOffset, short[] half, int halfOffset, int n) {
    for (int i = 0; i < n; i++) {
      half[halfOffset + i] = Float.floatToFloat16(x[xOffset + i]);
    }
  }
}

package org.e2llm.kernels.math;

/**
 * The reference: plain Java that runs everywhere and defines the arithmetic {@code F32}.
 *
 * <p>A matrix product widens one row at a time and multiplies it with all tokens; a dot product
 * keeps its 16 partial sums in locals, which gives compilers 16 independent chains.
 */
public final class ScalarKernels implements Kernels {
  @Override
  public String name() {
    return "scalar";
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
    int n = w.columns();
    float[] row = scratch.floats(n);
    for (int r = rowFrom; r < rowTo; r++) {
      dequantizeRow(w, r, row, 0, scratch);
      for (int t = 0; t < tokens; t++) {
        out[outOffset + t * outStride + r] = dot(row, 0, x, xOffset + t * xStride, n);
      }
    }
  }

  @Override
  public void dequantizeRow(Tensor w, int row, float[] out, int outOffset, Scratch scratch) {
    Dequantizer.of(w.type()).dequantize(w.buffer(row), w.offset(row), w.columns(), out, outOffset);
  }

  @Override
  public void rmsNorm(
      float[] x, int xOffset, float[] weight, int n, float eps, float[] out, int outOffset) {
    float mean = dot(x, xOffset, x, xOffset, n) / n;
    float scale = 1f / (float) Math.sqrt(mean + eps);
    for (int i = 0; i < n; i++) {
      out[outOffset + i] = x[xOffset + i] * scale * weight[i];
    }
  }

  @Override
  public void add(float[] x, int xOffset, float[] y, int yOffset, int n) {
    for (int i = 0; i < n; i++) {
      x[xOffset + i] += y[yOffset + i];
    }
  }

  @Override
  public void scale(float[] x, int xOffset, float factor, int n) {
    for (int i = 0; i < n; i++) {
      x[xOffset + i] *= factor;
    }
  }

  @Override
  public void siluMultiply(
      float[] gate, int gateOffset, float[] up, int upOffset, int n, Scratch scratch) {
    for (int i = 0; i < n; i++) {
      gate[gateOffset + i] = Elementary.silu(gate[gateOffset + i]) * up[upOffset + i];
    }
  }

  @Override
  public void geluMultiply(
      float[] gate, int gateOffset, float[] up, int upOffset, int n, Scratch scratch) {
    for (int i = 0; i < n; i++) {
      gate[gateOffset + i] = Elementary.gelu(gate[gateOffset + i]) * up[upOffset + i];
    }
  }

  @Override
  public void rotate(
      float[] x, int xOffset, float[] cos, float[] sin, int cosOffset, int pairs, boolean neox) {
    rotate(x, xOffset, cos, sin, cosOffset, 0, pairs, neox);
  }

  /** Pairs {@code from <= i < pairs} only. */
  static void rotate(
      float[] x,
      int xOffset,
      float[] cos,
      float[] sin,
      int cosOffset,
      int from,
      int pairs,
      boolean neox) {
    int step = neox ? 1 : 2;
    int distance = neox ? pairs : 1;
    for (int i = from; i < pairs; i++) {
      int at = xOffset + step * i;
      float a = x[at];
      float b = x[at + distance];
      float c = cos[cosOffset + i];
      float s = sin[cosOffset + i];
      x[at] = a * c - b * s;
      x[at + distance] = a * s + b * c;
    }
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
      float score = dot(query, queryOffset, keys, keysOffset + p * keyStride, headSize);
      scores[scoresOffset + p] = score * scale;
    }
  }

  @Override
  public void softmax(float[] scores, int offset, int n, int firstPosition) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      float score = scores[offset + i];
      max = score > max ? score : max;
    }
    for (int i = 0; i < n; i++) {
      scores[offset + i] = Elementary.exp(scores[offset + i] - max);
    }
    float total = sum(scores, offset, n, firstPosition);
    for (int i = 0; i < n; i++) {
      scores[offset + i] /= total;
    }
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
    for (int p = 0; p < positions; p++) {
      float weight = weights[weightsOffset + p];
      int at = valuesOffset + p * valueStride;
      for (int d = 0; d < headSize; d++) {
        out[outOffset + d] = Math.fma(weight, values[at + d], out[outOffset + d]);
      }
    }
  }

  @Override
  public void halfToFloat(short[] half, int halfOffset, float[] out, int outOffset, int n) {
    for (int i = 0; i < n; i++) {
      out[outOffset + i] = Half.toFloat(half[halfOffset + i]);
    }
  }

  @Override
  public void floatToHalf(float[] x, int xOffset, short[] half, int halfOffset, int n) {
    for (int i = 0; i < n; i++) {
      half[halfOffset + i] = Half.fromFloat(x[xOffset + i]);
    }
  }

  /** Element i of n goes to partial sum {@code (first + i) mod 16}: 16 strided passes. */
  static float sum(float[] x, int offset, int n, int first) {
    float s0 = lane(x, offset, n, first, 0) + lane(x, offset, n, first, 8);
    float s1 = lane(x, offset, n, first, 1) + lane(x, offset, n, first, 9);
    float s2 = lane(x, offset, n, first, 2) + lane(x, offset, n, first, 10);
    float s3 = lane(x, offset, n, first, 3) + lane(x, offset, n, first, 11);
    float s4 = lane(x, offset, n, first, 4) + lane(x, offset, n, first, 12);
    float s5 = lane(x, offset, n, first, 5) + lane(x, offset, n, first, 13);
    float s6 = lane(x, offset, n, first, 6) + lane(x, offset, n, first, 14);
    float s7 = lane(x, offset, n, first, 7) + lane(x, offset, n, first, 15);
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7));
  }

  private static float lane(float[] x, int offset, int n, int first, int lane) {
    float s = 0f;
    for (int i = lane - first & 15; i < n; i += 16) {
      s += x[offset + i];
    }
    return s;
  }

  /** The canonical dot product of {@link Kernels}. */
  static float dot(float[] a, int ai, float[] b, int bi, int n) {
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    float s8 = 0, s9 = 0, s10 = 0, s11 = 0, s12 = 0, s13 = 0, s14 = 0, s15 = 0;
    int whole = n & -16;
    for (int i = 0; i < whole; i += 16) {
      int p = ai + i;
      int q = bi + i;
      s0 = Math.fma(a[p], b[q], s0);
      s1 = Math.fma(a[p + 1], b[q + 1], s1);
      s2 = Math.fma(a[p + 2], b[q + 2], s2);
      s3 = Math.fma(a[p + 3], b[q + 3], s3);
      s4 = Math.fma(a[p + 4], b[q + 4], s4);
      s5 = Math.fma(a[p + 5], b[q + 5], s5);
      s6 = Math.fma(a[p + 6], b[q + 6], s6);
      s7 = Math.fma(a[p + 7], b[q + 7], s7);
      s8 = Math.fma(a[p + 8], b[q + 8], s8);
      s9 = Math.fma(a[p + 9], b[q + 9], s9);
      s10 = Math.fma(a[p + 10], b[q + 10], s10);
      s11 = Math.fma(a[p + 11], b[q + 11], s11);
      s12 = Math.fma(a[p + 12], b[q + 12], s12);
      s13 = Math.fma(a[p + 13], b[q + 13], s13);
      s14 = Math.fma(a[p + 14], b[q + 14], s14);
      s15 = Math.fma(a[p + 15], b[q + 15], s15);
    }
    int rest = n - whole;
    int p = ai + whole;
    int q = bi + whole;
    s0 = rest > 0 ? Math.fma(a[p], b[q], s0) : s0;
    s1 = rest > 1 ? Math.fma(a[p + 1], b[q + 1], s1) : s1;
    s2 = rest > 2 ? Math.fma(a[p + 2], b[q + 2], s2) : s2;
    s3 = rest > 3 ? Math.fma(a[p + 3], b[q + 3], s3) : s3;
    s4 = rest > 4 ? Math.fma(a[p + 4], b[q + 4], s4) : s4;
    s5 = rest > 5 ? Math.fma(a[p + 5], b[q + 5], s5) : s5;
    s6 = rest > 6 ? Math.fma(a[p + 6], b[q + 6], s6) : s6;
    s7 = rest > 7 ? Math.fma(a[p + 7], b[q + 7], s7) : s7;
    s8 = rest > 8 ? Math.fma(a[p + 8], b[q + 8], s8) : s8;
    s9 = rest > 9 ? Math.fma(a[p + 9], b[q + 9], s9) : s9;
    s10 = rest > 10 ? Math.fma(a[p + 10], b[q + 10], s10) : s10;
    s11 = rest > 11 ? Math.fma(a[p + 11], b[q + 11], s11) : s11;
    s12 = rest > 12 ? Math.fma(a[p + 12], b[q + 12], s12) : s12;
    s13 = rest > 13 ? Math.fma(a[p + 13], b[q + 13], s13) : s13;
    s14 = rest > 14 ? Math.fma(a[p + 14], b[q + 14], s14) : s14;
    s0 += s8;
    s1 += s9;
    s2 += s10;
    s3 += s11;
    s4 += s12;
    s5 += s13;
    s6 += s14;
    s7 += s15;
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7));
  }
}

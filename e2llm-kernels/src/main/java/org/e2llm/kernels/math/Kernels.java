package org.e2llm.kernels.math;

import org.e2llm.model.GgmlType;

/**
 * The arithmetic {@code F32} (invariant 2 of the design): activations are F32, a weight is its
 * dequantised F32 value, and every implementation gives the same bits.
 *
 * <p>The canonical dot product of n elements: 16 partial sums start at +0; element i is added to
 * sum {@code i mod 16} by {@code fma(a[i], b[i], sum)} in order of i; then the sums are added as a
 * tree: {@code s[j] += s[j + 8]} for j &lt; 8, {@code s[j] += s[j + 4]} for j &lt; 4, {@code s[0]
 * += s[2]}, {@code s[1] += s[3]}, {@code s[0] += s[1]}.
 *
 * <p>Methods do not check bounds beyond what arrays do, do not allocate once {@code scratch} is
 * warm, and may run on several threads at once, each with its own scratch.
 */
public interface Kernels {
  /**
   * {@code scalar}, {@code vector128}, {@code vector256} or {@code vector512}, with {@code +native}
   * behind it where machine code multiplies matrices.
   */
  String name();

  /**
   * Whether products of this type, with one token or with several, have reached the implementation
   * that they will keep: until the JVM has compiled the fastest, another may do the work.
   */
  default boolean isSettled(GgmlType type, int tokens) {
    return true;
  }

  /**
   * {@code out[outOffset + t * outStride + r] = dot(w[r], x[xOffset + t * xStride ...])} for {@code
   * rowFrom <= r < rowTo} and {@code 0 <= t < tokens}. Rows are read once for all tokens.
   */
  void matmul(
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
      Scratch scratch);

  /** {@code out[outOffset + i] = w[row][i]}, dequantised. */
  void dequantizeRow(Tensor w, int row, float[] out, int outOffset, Scratch scratch);

  /**
   * {@code out[i] = x[i] * (1 / sqrt(sum(x²) / n + eps)) * weight[i]}: the sum in 16 partial sums,
   * then the scale in F32, {@code (x[i] * scale) * weight[i]}. {@code out} may be {@code x}.
   */
  void rmsNorm(
      float[] x, int xOffset, float[] weight, int n, float eps, float[] out, int outOffset);

  /** {@code x[xOffset + i] += y[yOffset + i]}. */
  void add(float[] x, int xOffset, float[] y, int yOffset, int n);

  /** {@code x[xOffset + i] *= factor}. */
  void scale(float[] x, int xOffset, float factor, int n);

  /** {@code gate[i] = silu(gate[i]) * up[i]}, silu(v) = v / (1 + exp(-v)). */
  void siluMultiply(float[] gate, int gateOffset, float[] up, int upOffset, int n, Scratch scratch);

  /** {@code gate[i] = gelu(gate[i]) * up[i]}, the tanh approximation of GELU. */
  void geluMultiply(float[] gate, int gateOffset, float[] up, int upOffset, int n, Scratch scratch);

  /**
   * Rotates pairs of one head in place: {@code (a, b) -> (a cos - b sin, a sin + b cos)} with
   * {@code cos[cosOffset + i]}, {@code sin[cosOffset + i]} for pair i of {@code pairs}.
   *
   * @param neox pairs are {@code (i, i + pairs)}; otherwise {@code (2i, 2i + 1)}
   */
  void rotate(
      float[] x, int xOffset, float[] cos, float[] sin, int cosOffset, int pairs, boolean neox);

  /**
   * {@code scores[scoresOffset + p] = dot(query, keys[keysOffset + p * keyStride ...]) * scale} for
   * {@code 0 <= p < positions}.
   */
  void attentionScores(
      float[] query,
      int queryOffset,
      float[] keys,
      int keysOffset,
      int keyStride,
      int positions,
      int headSize,
      float scale,
      float[] scores,
      int scoresOffset);

  /**
   * Softmax of {@code scores[offset, offset + n)} in place. The element at {@code offset + i}
   * belongs to absolute position {@code firstPosition + i}: its exponential is added to partial sum
   * {@code (firstPosition + i) mod 16}; then each exponential is divided by the tree's total.
   */
  void softmax(float[] scores, int offset, int n, int firstPosition);

  /**
   * {@code out[d] = fma(weights[p], values[valuesOffset + p * valueStride + d], out[d])} for p in
   * ascending order.
   */
  void attentionValues(
      float[] weights,
      int weightsOffset,
      float[] values,
      int valuesOffset,
      int valueStride,
      int positions,
      int headSize,
      float[] out,
      int outOffset);

  /** IEEE binary16 to F32, exact. */
  void halfToFloat(short[] half, int halfOffset, float[] out, int outOffset, int n);

  /** F32 to IEEE binary16, round to nearest even. */
  void floatToHalf(float[] x, int xOffset, short[] half, int halfOffset, int n);
}

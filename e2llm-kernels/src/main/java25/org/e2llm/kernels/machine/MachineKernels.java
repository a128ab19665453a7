package org.e2llm.kernels.machine;

import java.util.Set;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.SegmentTensor;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;

/**
 * Matrix products with one token as machine code, where there is a kernel for the weights; all else
 * by other kernels. The bits are the same: the same operations on the same operands in the same
 * order.
 *
 * <p>Machine code needs no warming up: it is as fast in the first call as in any.
 */
public final class MachineKernels implements Kernels {
  private static final Set<String> X86_64 = Set.of("amd64", "x86_64");

  /**
   * Of sessions that decode together: up to so many, a product for each, block of rows by block of
   * rows, is faster than what makes F32 of all weights first. 1.1B Q8_0 on one core of a Zen 4: 2
   * tokens 132 ms instead of 259, 4 tokens 232 instead of 305; 8 tokens were no faster.
   */
  private static final int FEW_TOKENS = 4;

  private static final long CACHED_BYTES = 256 << 10;
  private static final int LEAST_ROWS = 16;

  private final Kernels rest;
  private final MachineMatvec matvec;

  /**
   * @param rest does what is not done here
   * @throws UnsupportedOperationException with the reason and its remedy, if machine code cannot be
   *     used here
   */
  public MachineKernels(Kernels rest) {
    this.rest = rest;
    String architecture = System.getProperty("os.arch", "");
    if (!X86_64.contains(architecture)) {
      throw new UnsupportedOperationException(
          "machine code for decoding is written for x86-64 only, and this is " + architecture);
    }
    if (!MachineKernels.class.getModule().isNativeAccessEnabled()) {
      throw new UnsupportedOperationException(
          "machine code for decoding needs native access; add --enable-native-access=ALL-UNNAMED to"
              + " the java command");
    }
    if (!Cpu.hasAvx512()) {
      throw new UnsupportedOperationException(
          "machine code for decoding needs a CPU with AVX-512 (F, BW, VL)");
    }
    this.matvec = new MachineMatvec();
  }

  /** Such as {@code vector512+native}. */
  @Override
  public String name() {
    return rest.name() + "+native";
  }

  @Override
  public boolean isSettled(GgmlType type, int tokens) {
    return (tokens <= FEW_TOKENS && matvec.has(type)) || rest.isSettled(type, tokens);
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
    if (tokens <= FEW_TOKENS && w instanceof SegmentTensor tensor && matvec.takes(tensor)) {
      int rows = tokens == 1 ? rowTo - rowFrom : rowsInCache(tensor);
      for (int row = rowFrom; row < rowTo; row += rows) {
        int to = Math.min(rowTo, row + rows);
        for (int t = 0; t < tokens; t++) {
          int from = xOffset + t * xStride;
          matvec.multiply(tensor, row, to, x, from, out, outOffset + t * outStride, scratch);
        }
      }
    } else {
      rest.matmul(
          w, rowFrom, rowTo, x, xOffset, xStride, tokens, out, outOffset, outStride, scratch);
    }
  }

  /** So many rows stay in a core's L2 cache from one token to the next. */
  private static int rowsInCache(SegmentTensor w) {
    long rows = CACHED_BYTES / w.rowBytes();
    return (int) Math.max(LEAST_ROWS, rows - rows % LEAST_ROWS);
  }

  @Override
  public void dequantizeRow(Tensor w, int row, float[] out, int outOffset, Scratch scratch) {
    rest.dequantizeRow(w, row, out, outOffset, scratch);
  }

  @Override
  public void rmsNorm(
      float[] x, int xOffset, float[] weight, int n, float eps, float[] out, int outOffset) {
    rest.rmsNorm(x, xOffset, weight, n, eps, out, outOffset);
  }

  @Override
  public void add(float[] x, int xOffset, float[] y, int yOffset, int n) {
    rest.add(x, xOffset, y, yOffset, n);
  }

  @Override
  public void scale(float[] x, int xOffset, float factor, int n) {
    rest.scale(x, xOffset, factor, n);
  }

  @Override
  public void siluMultiply(
      float[] gate, int gateOffset, float[] up, int upOffset, int n, Scratch scratch) {
    rest.siluMultiply(gate, gateOffset, up, upOffset, n, scratch);
  }

  @Override
  public void geluMultiply(
      float[] gate, int gateOffset, float[] up, int upOffset, int n, Scratch scratch) {
    rest.geluMultiply(gate, gateOffset, up, upOffset, n, scratch);
  }

  @Override
  public void rotate(
      float[] x, int xOffset, float[] cos, float[] sin, int cosOffset, int pairs, boolean neox) {
    rest.rotate(x, xOffset, cos, sin, cosOffset, pairs, neox);
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
    rest.attentionScores(
        query,
        queryOffset,
        keys,
        keysOffset,
        keyStride,
        positions,
        headSize,
        scale,
        scores,
        scoresOffset);
  }

  @Override
  public void softmax(float[] scores, int offset, int n, int firstPosition) {
    rest.softmax(scores, offset, n, firstPosition);
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
    rest.attentionValues(
        weights,
        weightsOffset,
        values,
        valuesOffset,
        valueStride,
        positions,
        headSize,
        out,
        outOffset);
  }

  @Override
  public void halfToFloat(short[] half, int halfOffset, float[] out, int outOffset, int n) {
    rest.halfToFloat(half, halfOffset, out, outOffset, n);
  }

  @Override
  public void floatToHalf(float[] x, int xOffset, short[] half, int halfOffset, int n) {
    rest.floatToHalf(x, xOffset, half, halfOffset, n);
  }
}

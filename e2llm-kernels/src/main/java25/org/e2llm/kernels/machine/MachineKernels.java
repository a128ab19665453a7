package org.e2llm.kernels.machine;

import java.util.Set;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.SegmentTensor;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;

/**
 * Matrix products as machine code, where there is a kernel for the weights; all else by other
 * kernels. The bits are the same: the same operations on the same operands in the same order.
 *
 * <p>Machine code needs no warming up: it is as fast in the first call as in any.
 */
public final class MachineKernels implements Kernels {
  private static final Set<String> X86_64 = Set.of("amd64", "x86_64");

  private final Kernels rest;
  private final Functions functions;

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
          "machine code is written for x86-64 only, and this is " + architecture);
    }
    if (!MachineKernels.class.getModule().isNativeAccessEnabled()) {
      throw new UnsupportedOperationException(
          "machine code needs native access; add --enable-native-access=ALL-UNNAMED to"
              + " the java command");
    }
    if (!Cpu.hasAvx512()) {
      throw new UnsupportedOperationException("machine code needs a CPU with AVX-512 (F, BW, VL)");
    }
    this.functions = new Functions();
  }

  /** Such as {@code vector512+native}. */
  @Override
  public String name() {
    return rest.name() + "+native";
  }

  @Override
  public boolean isSettled(GgmlType type, int tokens) {
    return functions.has(type) || rest.isSettled(type, tokens);
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
    if (!(w instanceof SegmentTensor tensor) || !functions.takes(tensor)) {
      rest.matmul(
          w, rowFrom, rowTo, x, xOffset, xStride, tokens, out, outOffset, outStride, scratch);
      return;
    }
    if (rowFrom < 0 || rowTo > w.rows()) {
      throw new IndexOutOfBoundsException(
          "rows " + rowFrom + " to " + rowTo + " of " + w.name() + ", which has " + w.rows());
    }
    if (tokens <= FewTokens.MOST) {
      FewTokens.multiply(
          functions, tensor, rowFrom, rowTo, x, xOffset, xStride, tokens, out, outOffset, outStride,
          scratch);
    } else {
      ManyTokens.multiply(
          functions, tensor, rowFrom, rowTo, x, xOffset, xStride, tokens, out, outOffset, outStride,
          scratch);
    }
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

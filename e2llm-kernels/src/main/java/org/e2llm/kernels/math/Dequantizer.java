package org.e2llm.kernels.math;

import java.nio.ByteBuffer;
import org.e2llm.model.GgmlType;
import org.jspecify.annotations.Nullable;

/**
 * Widens the blocks of one tensor type to F32. It defines the value of a weight: products of scales
 * and quants are exact in F32, and where there is an offset (a minimum, or a zero point such as the
 * 8 of Q4_0) the value is {@code fma(scale, quant, offset)}, one rounding.
 *
 * <p>Source of the layouts: the block structs of ggml ({@code ggml-common.h}).
 */
@FunctionalInterface
interface Dequantizer {
  /**
   * @param in little-endian; only absolute reads
   * @param offset of the first block
   * @param n elements: a multiple of the block size
   */
  void dequantize(ByteBuffer in, int offset, int n, float[] out, int outOffset);

  /** Null where the type does not compute. */
  static @Nullable Dequantizer find(GgmlType type) {
    return Dequantizers.TABLE[type.ordinal()];
  }

  /**
   * @throws IllegalArgumentException if the type does not compute: loaders refuse it earlier
   */
  static Dequantizer of(GgmlType type) {
    Dequantizer found = find(type);
    if (found == null) {
      throw new IllegalArgumentException("no kernels for tensor type " + type);
    }
    return found;
  }
}

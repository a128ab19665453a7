package org.e2llm.kernels.math;

import java.lang.foreign.MemorySegment;
import org.e2llm.model.GgmlType;

/**
 * A {@link Dequantizer} that reads a memory segment and writes vectors: group g (16 weights), strip
 * h goes to {@code out[o + g * groupStride + h * stripStride]}. Strides of 16 and {@link
 * Lanes#COUNT} give a plain row; others give a {@link Panel}.
 */
@FunctionalInterface
interface SegmentDequantizer {
  /**
   * @param in little-endian blocks from {@code at} on, at any alignment
   * @param n weights: whole blocks and a multiple of 16
   */
  void dequantize(
      MemorySegment in, long at, int n, float[] out, int o, int groupStride, int stripStride);

  /** For every type that computes, but F16: see {@link VectorFloatFormats#f16}. */
  static SegmentDequantizer of(GgmlType type) {
    return switch (type) {
      case F32 -> VectorFloatFormats::f32;
      case BF16 -> VectorFloatFormats::bf16;
      case Q8_0 -> VectorBlockFormats::q8_0;
      case Q4_0 -> VectorBlockFormats::q4_0;
      case Q4_1 -> VectorBlockFormats::q4_1;
      case Q5_0 -> VectorBlockFormats::q5_0;
      case Q5_1 -> VectorBlockFormats::q5_1;
      case IQ4_NL -> VectorBlockFormats::iq4_nl;
      case Q2_K -> VectorSuperBlockFormats::q2_k;
      case Q3_K -> VectorSuperBlockFormats::q3_k;
      case Q4_K -> VectorSuperBlockFormats::q4_k;
      case Q5_K -> VectorSuperBlockFormats::q5_k;
      case Q6_K -> VectorSuperBlockFormats::q6_k;
      case IQ4_XS -> VectorSuperBlockFormats::iq4_xs;
      default -> throw new IllegalArgumentException("no kernels for tensor type " + type);
    };
  }
}

package org.e2llm.kernels.math;

import java.lang.foreign.MemorySegment;
import org.e2llm.model.GgmlType;
import org.jspecify.annotations.Nullable;

/**
 * Two rows times one token, widened in registers: a generated token reads every weight once, so
 * what counts is bytes per cycle.
 *
 * <p>Loops call the Vector API directly, without helper methods of our own: C2 stops inlining ours
 * when a method grows (NodeCountInliningCutoff), never those of the API, and a call boxes its
 * vectors, which is ten times slower. A pass does one or two strips, as many as AVX2 has registers
 * for.
 */
@FunctionalInterface
interface FusedRows {
  /**
   * Writes the 16 partial sums of the row at {@code a} to {@code work[sumsAt]} and on, those of the
   * row at {@code b} behind them.
   *
   * @param n whole blocks, a multiple of 16
   * @param scalesAt {@code n / 16} floats of {@code work} that may be overwritten
   */
  void multiply(
      MemorySegment in,
      long a,
      long b,
      int n,
      float[] x,
      int xi,
      float[] work,
      int sumsAt,
      int scalesAt);

  /** Null for types that are widened into a panel instead. */
  static @Nullable FusedRows find(GgmlType type) {
    return switch (type) {
      case F32 -> FusedFloats::f32;
      case F16 -> FusedFloats::f16;
      case BF16 -> FusedFloats::bf16;
      case Q8_0 -> FusedBytes::q8_0;
      case Q4_0 -> FusedNibbles::q4_0;
      case Q4_1 -> FusedNibbles::q4_1;
      case Q5_0 -> FusedFiveBits::q5_0;
      case Q5_1 -> FusedFiveBits::q5_1;
      case Q4_K -> FusedSuperBlocks::q4_k;
      case Q6_K -> FusedSuperBlocks::q6_k;
      default -> null;
    };
  }
}

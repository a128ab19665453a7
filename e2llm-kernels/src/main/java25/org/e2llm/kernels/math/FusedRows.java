package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import java.lang.foreign.MemorySegment;
import org.e2llm.model.GgmlType;
import org.jspecify.annotations.Nullable;

/**
 * Two rows times one token, widened in registers: a generated token reads every weight once, so
 * what counts is bytes per cycle.
 *
 * <p>A pass does two streams at a time, which hide each other's latency: two strips of a row or,
 * where a vector is a whole group, two rows. More would not fit the registers of AVX2.
 *
 * <p>Loops call the Vector API directly, without helper methods of our own: C2 stops inlining ours
 * when a method grows (NodeCountInliningCutoff), never those of the API, and a call boxes its
 * vectors, which is ten times slower.
 */
@FunctionalInterface
interface FusedRows {
  /**
   * Writes the 16 partial sums of the row at {@code a} to the begin of {@code sums}, those of the
   * row at {@code b} behind them.
   *
   * @param n whole blocks, a multiple of 16
   * @param scratch whose ints and bytes may be overwritten, not its floats
   */
  void multiply(
      MemorySegment in, long a, long b, int n, float[] x, int xi, float[] sums, Scratch scratch);

  /** From the activations of the first stream of a pass to those of the second. */
  int X_1 = STRIPS > 1 ? COUNT : 0;

  /** One pass over two streams. */
  @FunctionalInterface
  interface Pass {
    /**
     * Writes one vector of partial sums per stream, to {@code s[s0]} and {@code s[s1]}.
     *
     * @param a the row of the first stream
     * @param b the row of the second: the same but where {@link Lanes#STRIPS} is 1
     * @param o of the first stream's strip in a group, in elements
     */
    void run(
        MemorySegment in,
        long a,
        long b,
        int o,
        int blocks,
        float[] x,
        int xi,
        float[] s,
        int s0,
        int s1);
  }

  /** All passes over two rows of {@code n} elements in blocks of 32. */
  static FusedRows ofPasses(Pass pass) {
    return (in, a, b, n, x, xi, sums, scratch) -> {
      if (STRIPS == 1) {
        pass.run(in, a, b, 0, n / 32, x, xi, sums, 0, GROUP);
        return;
      }
      for (int o = 0; o < GROUP; o += 2 * COUNT) {
        pass.run(in, a, a, o, n / 32, x, xi + o, sums, o, o + COUNT);
        pass.run(in, b, b, o, n / 32, x, xi + o, sums, GROUP + o, GROUP + o + COUNT);
      }
    };
  }

  /** Null for types that are widened into a panel instead. */
  static @Nullable FusedRows find(GgmlType type) {
    return switch (type) {
      case F32 -> FusedFloats::f32;
      case F16 -> FusedFloats::f16;
      case BF16 -> FusedFloats::bf16;
      case Q8_0 -> FusedBytes.Q8_0;
      case Q4_0 -> STRIPS == 1 ? FusedTables::q4_0 : FusedNibbles.Q4_0;
      case Q4_1 -> STRIPS == 1 ? FusedTables::q4_1 : FusedNibbles.Q4_1;
      case Q5_0 -> FusedFiveBits.Q5_0;
      case Q5_1 -> FusedFiveBits.Q5_1;
      case Q4_K -> FusedQ4K::multiply;
      case Q6_K -> FusedQ6K::multiply;
      default -> null;
    };
  }
}

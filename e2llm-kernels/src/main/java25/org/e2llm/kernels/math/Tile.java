package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;
import static org.e2llm.kernels.math.Lanes.F;
import static org.e2llm.kernels.math.Lanes.GROUP;
import static org.e2llm.kernels.math.Lanes.STRIPS;

import jdk.incubator.vector.FloatVector;

/**
 * The register-blocked product of widened weights and tokens, in the canonical order.
 *
 * <p>One call does one strip: 6 rows times 2 tokens are 12 accumulators, which with two tokens and
 * the row in hand stay within the 16 registers of AVX2 as C2 allocates them. Measured on Zen 3,
 * with 104 GFLOP/s at most: 6 x 2 gives 80, 3 x 3 72, 4 x 2 63, 4 x 3 56 (spills).
 */
final class Tile {
  static final int ROWS = 6;
  static final int TOKENS = 2;

  private Tile() {}

  /**
   * Adds to the partial sums of 6 rows and all tokens the products of {@code n} elements, a
   * multiple of 16. Strip by strip, so that half of an L1 cache holds the rows meanwhile.
   *
   * @param work holds everything
   * @param wi panel of 6 rows
   * @param xi {@code tokens / 2} panels of 2 tokens
   * @param tokens even
   * @param si 16 sums per pair at {@code si + (token * ROWS + row) * 16}
   */
  static void accumulate(float[] work, int wi, int xi, int tokens, int n, int si) {
    for (int h = 0; h < STRIPS; h++) {
      int wh = wi + h * Panel.stripStride(ROWS, n);
      int xh = xi + h * Panel.stripStride(TOKENS, n);
      int sh = si + h * COUNT;
      for (int t = 0; t < tokens; t += TOKENS) {
        strip(work, wh, work, xh + t * n, n / GROUP, work, sh + t * ROWS * GROUP);
      }
    }
  }

  private static void strip(float[] w, int wi, float[] x, int xi, int groups, float[] s, int si) {
    FloatVector s00 = FloatVector.fromArray(F, s, si);
    FloatVector s01 = FloatVector.fromArray(F, s, si + GROUP);
    FloatVector s02 = FloatVector.fromArray(F, s, si + 2 * GROUP);
    FloatVector s03 = FloatVector.fromArray(F, s, si + 3 * GROUP);
    FloatVector s04 = FloatVector.fromArray(F, s, si + 4 * GROUP);
    FloatVector s05 = FloatVector.fromArray(F, s, si + 5 * GROUP);
    FloatVector s10 = FloatVector.fromArray(F, s, si + 6 * GROUP);
    FloatVector s11 = FloatVector.fromArray(F, s, si + 7 * GROUP);
    FloatVector s12 = FloatVector.fromArray(F, s, si + 8 * GROUP);
    FloatVector s13 = FloatVector.fromArray(F, s, si + 9 * GROUP);
    FloatVector s14 = FloatVector.fromArray(F, s, si + 10 * GROUP);
    FloatVector s15 = FloatVector.fromArray(F, s, si + 11 * GROUP);
    for (int g = 0; g < groups; g++) {
      int wg = wi + g * (ROWS * COUNT);
      int xg = xi + g * (TOKENS * COUNT);
      FloatVector t0 = FloatVector.fromArray(F, x, xg);
      FloatVector t1 = FloatVector.fromArray(F, x, xg + COUNT);
      FloatVector r = FloatVector.fromArray(F, w, wg);
      s00 = r.fma(t0, s00);
      s10 = r.fma(t1, s10);
      r = FloatVector.fromArray(F, w, wg + COUNT);
      s01 = r.fma(t0, s01);
      s11 = r.fma(t1, s11);
      r = FloatVector.fromArray(F, w, wg + 2 * COUNT);
      s02 = r.fma(t0, s02);
      s12 = r.fma(t1, s12);
      r = FloatVector.fromArray(F, w, wg + 3 * COUNT);
      s03 = r.fma(t0, s03);
      s13 = r.fma(t1, s13);
      r = FloatVector.fromArray(F, w, wg + 4 * COUNT);
      s04 = r.fma(t0, s04);
      s14 = r.fma(t1, s14);
      r = FloatVector.fromArray(F, w, wg + 5 * COUNT);
      s05 = r.fma(t0, s05);
      s15 = r.fma(t1, s15);
    }
    s00.intoArray(s, si);
    s01.intoArray(s, si + GROUP);
    s02.intoArray(s, si + 2 * GROUP);
    s03.intoArray(s, si + 3 * GROUP);
    s04.intoArray(s, si + 4 * GROUP);
    s05.intoArray(s, si + 5 * GROUP);
    s10.intoArray(s, si + 6 * GROUP);
    s11.intoArray(s, si + 7 * GROUP);
    s12.intoArray(s, si + 8 * GROUP);
    s13.intoArray(s, si + 9 * GROUP);
    s14.intoArray(s, si + 10 * GROUP);
    s15.intoArray(s, si + 11 * GROUP);
  }

  /**
   * Adds to the partial sums of 6 rows, for one token, the products of {@code n} elements.
   *
   * @param w panel of 6 rows
   * @param x a plain row
   * @param sums 16 per row at {@code si + row * 16}
   */
  static void accumulateOne(float[] w, int wi, float[] x, int xi, int n, float[] sums, int si) {
    for (int h = 0; h < STRIPS; h++) {
      int wh = wi + h * Panel.stripStride(ROWS, n);
      stripOne(w, wh, x, xi + h * COUNT, n / GROUP, sums, si + h * COUNT);
    }
  }

  private static void stripOne(
      float[] w, int wi, float[] x, int xi, int groups, float[] s, int si) {
    FloatVector s0 = FloatVector.fromArray(F, s, si);
    FloatVector s1 = FloatVector.fromArray(F, s, si + GROUP);
    FloatVector s2 = FloatVector.fromArray(F, s, si + 2 * GROUP);
    FloatVector s3 = FloatVector.fromArray(F, s, si + 3 * GROUP);
    FloatVector s4 = FloatVector.fromArray(F, s, si + 4 * GROUP);
    FloatVector s5 = FloatVector.fromArray(F, s, si + 5 * GROUP);
    for (int g = 0; g < groups; g++) {
      int wg = wi + g * (ROWS * COUNT);
      FloatVector t = FloatVector.fromArray(F, x, xi + g * GROUP);
      s0 = FloatVector.fromArray(F, w, wg).fma(t, s0);
      s1 = FloatVector.fromArray(F, w, wg + COUNT).fma(t, s1);
      s2 = FloatVector.fromArray(F, w, wg + 2 * COUNT).fma(t, s2);
      s3 = FloatVector.fromArray(F, w, wg + 3 * COUNT).fma(t, s3);
      s4 = FloatVector.fromArray(F, w, wg + 4 * COUNT).fma(t, s4);
      s5 = FloatVector.fromArray(F, w, wg + 5 * COUNT).fma(t, s5);
    }
    s0.intoArray(s, si);
    s1.intoArray(s, si + GROUP);
    s2.intoArray(s, si + 2 * GROUP);
    s3.intoArray(s, si + 3 * GROUP);
    s4.intoArray(s, si + 4 * GROUP);
    s5.intoArray(s, si + 5 * GROUP);
  }
}

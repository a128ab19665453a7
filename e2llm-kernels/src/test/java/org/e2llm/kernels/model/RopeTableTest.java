package org.e2llm.kernels.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import org.junit.jupiter.api.Test;

/** Angles against the formulas of the papers, written out once more. */
class RopeTableTest {
  private static final double BASE = 10_000;
  private static final int DIMENSIONS = 64;

  @Test
  void cosinesAndSinesAreRoundedOnceAtEveryPosition() {
    RopeTable table = new RopeTable(plain(1, null, 1), null);
    float[] cos = new float[32];
    float[] sin = new float[32];
    for (int position : new int[] {0, 1, 2, 3, 4, 5, 100, 4095, 131_071, 1_048_575}) {
      table.fill(position, cos, sin, 0);
      for (int i = 0; i < 32; i++) {
        double angle = position * table.frequency(i);
        assertThat(cos[i]).isCloseTo((float) StrictMath.cos(angle), offset(Math.ulp(cos[i])));
        assertThat(sin[i]).isCloseTo((float) StrictMath.sin(angle), offset(Math.ulp(sin[i])));
      }
    }
  }

  @Test
  void linearScalingDividesPositions() {
    RopeTable table = new RopeTable(plain(4, null, 1), null);
    for (int i = 0; i < 32; i++) {
      assertThat(table.frequency(i)).isCloseTo(plainFrequency(i) / 4, offset(1e-15));
    }
  }

  @Test
  void factorsDivideFrequencies() {
    float[] factors = new float[32];
    for (int i = 0; i < 32; i++) {
      factors[i] = 1 + i;
    }
    RopeTable table = new RopeTable(plain(1, null, 1), factors);
    for (int i = 0; i < 32; i++) {
      assertThat(table.frequency(i)).isCloseTo(plainFrequency(i) / (1 + i), offset(1e-15));
    }
  }

  @Test
  void theAttentionFactorMultipliesCosinesAndSines() {
    RopeTable table = new RopeTable(plain(1, null, 1.19), null);
    float[] cos = new float[32];
    float[] sin = new float[32];
    table.fill(0, cos, sin, 0);
    assertThat(cos).containsOnly(1.19f);
    assertThat(sin).containsOnly(0);
  }

  /** Qwen 2.5 with YaRN: base 1e6, head 128, factor 4, original context 32,768. */
  @Test
  void yarnKeepsFastPairsAndInterpolatesSlowOnes() {
    RopeConfig.Yarn yarn = new RopeConfig.Yarn(1, 32, 1, 32_768);
    RopeTable table = new RopeTable(new RopeConfig(128, true, 1e6, 4, yarn, 1, null), null);
    // dim(turns) = 128 ln(32768 / (2π turns)) / (2 ln 1e6): 23.6 for 32 turns, 39.6 for one
    for (int i = 0; i < 64; i++) {
      double plain = Math.pow(1e6, -2.0 * i / 128);
      double kept = 1 - Math.min(1, Math.max(0, (i - 23.0) / (40 - 23)));
      assertThat(table.frequency(i))
          .isCloseTo(plain * kept + plain / 4 * (1 - kept), offset(plain * 1e-12));
    }
  }

  private static RopeConfig plain(double factor, RopeConfig.Yarn yarn, double attention) {
    return new RopeConfig(DIMENSIONS, false, BASE, factor, yarn, attention, null);
  }

  private static double plainFrequency(int pair) {
    return Math.pow(BASE, -2.0 * pair / DIMENSIONS);
  }
}

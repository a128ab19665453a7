package org.e2llm.kernels.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** The definitions of {@link Kernels}, written out a second time in the plainest way. */
class ScalarKernelsTest {
  private final Kernels kernels = new ScalarKernels();

  @Property(tries = 200)
  void dotProductsAddSixteenSumsInATree(
      @ForAll @IntRange(min = 1, max = 200) int n, @ForAll Random random) {
    float[] a = RandomTensors.floats(n, random);
    float[] b = RandomTensors.floats(n, random);
    float[] sums = new float[16];
    for (int i = 0; i < n; i++) {
      sums[i % 16] = Math.fma(a[i], b[i], sums[i % 16]);
    }
    assertThat(ScalarKernels.dot(a, 0, b, 0, n)).isEqualTo(tree(sums));
  }

  @Property(tries = 200)
  void softmaxSumsByAbsolutePosition(
      @ForAll @IntRange(min = 1, max = 100) int n,
      @ForAll @IntRange(min = 0, max = 50) int first,
      @ForAll Random random) {
    float[] scores = RandomTensors.floats(n, random);
    float[] actual = scores.clone();
    kernels.softmax(actual, 0, n, first);
    float max = Float.NEGATIVE_INFINITY;
    for (float score : scores) {
      max = Math.max(max, score);
    }
    float[] sums = new float[16];
    for (int i = 0; i < n; i++) {
      sums[(first + i) % 16] += Elementary.exp(scores[i] - max);
    }
    double total = 0;
    for (int i = 0; i < n; i++) {
      assertThat(actual[i]).isEqualTo(Elementary.exp(scores[i] - max) / tree(sums));
      total += actual[i];
    }
    assertThat(total).isEqualTo(1, within(1e-5));
  }

  private static float tree(float[] sums) {
    float[] s = sums.clone();
    for (int half = 8; half > 0; half /= 2) {
      for (int j = 0; j < half; j++) {
        s[j] += s[j + half];
      }
    }
    return s[0];
  }

  @Example
  void rmsNormGivesTheMeanSquareOne() {
    float[] x = RandomTensors.floats(300, new Random(1));
    float[] weight = new float[300];
    java.util.Arrays.fill(weight, 2f);
    float[] out = new float[300];
    kernels.rmsNorm(x, 0, weight, 300, 1e-6f, out, 0);
    double squares = 0;
    for (float v : out) {
      squares += v * v / 4;
    }
    assertThat(squares / 300).isEqualTo(1, within(1e-4));
  }

  @Example
  void rotationTurnsPairsByTheirAngle() {
    float[] neighbours = {1, 0, 0, 1};
    float[] halves = {1, 0, 0, 1};
    float[] cos = {0.6f, 0.8f};
    float[] sin = {0.8f, 0.6f};
    kernels.rotate(neighbours, 0, cos, sin, 0, 2, false);
    kernels.rotate(halves, 0, cos, sin, 0, 2, true);
    assertThat(neighbours).containsExactly(0.6f, 0.8f, -0.6f, 0.8f);
    assertThat(halves).containsExactly(0.6f, -0.6f, 0.8f, 0.8f);
  }

  @Example
  void nanInScoresIsNotHidden() {
    float[] scores = {1, Float.NaN, 2};
    kernels.softmax(scores, 0, 3, 0);
    assertThat(scores).containsOnly(Float.NaN);
  }
}

package org.e2llm.kernels.model;

import org.jspecify.annotations.Nullable;

/**
 * How positions rotate queries and keys (RoPE, arXiv 2104.09864), with the scalings that stretch
 * the context.
 *
 * @param dimensions elements of a head that are rotated, from its first on; even
 * @param neox pairs are {@code (i, i + dimensions / 2)}; otherwise {@code (2i, 2i + 1)}
 * @param base {@code rope.freq_base}
 * @param factor positions are divided by it ({@code rope.scaling.factor}); 1 for none
 * @param yarn how far YaRN undoes the division for fast pairs, or null
 * @param attentionFactor cosines and sines are multiplied with it
 * @param factorsTensor tensor that divides each pair's frequency (Llama 3, LongRoPE), or null
 */
public record RopeConfig(
    int dimensions,
    boolean neox,
    double base,
    double factor,
    @Nullable Yarn yarn,
    double attentionFactor,
    @Nullable String factorsTensor) {

  /**
   * YaRN (arXiv 2309.00071): pairs that turn often within the original context keep their
   * frequency, pairs that turn seldom are interpolated, a linear ramp lies between.
   *
   * @param extrapolation weight of the ramp, usually 1
   * @param betaFast turns from which on a pair keeps its frequency
   * @param betaSlow turns up to which a pair is interpolated
   * @param originalContext positions before stretching
   */
  public record Yarn(double extrapolation, double betaFast, double betaSlow, int originalContext) {}

  /** Rotated pairs. */
  public int pairs() {
    return dimensions / 2;
  }
}

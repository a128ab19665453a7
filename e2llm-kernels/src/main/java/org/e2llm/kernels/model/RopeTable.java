package org.e2llm.kernels.model;

import org.jspecify.annotations.Nullable;

/**
 * Cosines and sines of any position. Immutable; shared by threads.
 *
 * <p>Angles and their cosines are computed in double and rounded once, from StrictMath alone, so
 * that every device has the same table. Nothing is kept per position: computing a row costs some
 * microseconds, a table of a long context would cost tens of megabytes.
 */
public final class RopeTable {
  /** π/2 in two doubles: for up to 2^20 quarter turns the fma below leaves an error under 1e-16. */
  private static final double HALF_PI_HIGH = 1.5707963267948966;

  private static final double HALF_PI_LOW = 6.123233995736766e-17;

  private final double[] frequencies;
  private final double magnitude;

  /**
   * @param rope how to rotate
   * @param factors divisors of the pairs' frequencies, as many as pairs, or null
   */
  public RopeTable(RopeConfig rope, float @Nullable [] factors) {
    frequencies = new double[rope.pairs()];
    magnitude = rope.attentionFactor();
    for (int i = 0; i < frequencies.length; i++) {
      double plain = StrictMath.pow(rope.base(), -2.0 * i / rope.dimensions());
      plain = factors == null ? plain : plain / factors[i];
      frequencies[i] = stretch(rope, i, plain);
    }
  }

  /** Radians per position of pair {@code i}, after every scaling. */
  public double frequency(int i) {
    return frequencies[i];
  }

  /** Writes cosines and sines of all pairs at {@code position} from {@code offset} on. */
  public void fill(int position, float[] cos, float[] sin, int offset) {
    for (int i = 0; i < frequencies.length; i++) {
      double angle = position * frequencies[i];
      // Reduced to |rest| <= π/4 here: StrictMath reduces larger angles through a temporary array.
      double quarters = StrictMath.rint(angle / HALF_PI_HIGH);
      double rest = Math.fma(-quarters, HALF_PI_HIGH, angle);
      rest = Math.fma(-quarters, HALF_PI_LOW, rest);
      double c = StrictMath.cos(rest);
      double s = StrictMath.sin(rest);
      int quadrant = (int) ((long) quarters & 3);
      double turnedCos = (quadrant & 1) == 0 ? c : s;
      double turnedSin = (quadrant & 1) == 0 ? s : c;
      cos[offset + i] =
          (float) (magnitude * (quadrant == 1 || quadrant == 2 ? -turnedCos : turnedCos));
      sin[offset + i] = (float) (magnitude * (quadrant >= 2 ? -turnedSin : turnedSin));
    }
  }

  private static double stretch(RopeConfig rope, int pair, double frequency) {
    double interpolated = frequency / rope.factor();
    RopeConfig.Yarn yarn = rope.yarn();
    if (yarn == null) {
      return interpolated;
    }
    double low = Math.max(0, StrictMath.floor(pairWithTurns(rope, yarn, yarn.betaFast())));
    double high =
        Math.min(
            rope.dimensions() - 1, StrictMath.ceil(pairWithTurns(rope, yarn, yarn.betaSlow())));
    double ramp = (pair - low) / Math.max(0.001, high - low);
    double keep = (1 - Math.min(1, Math.max(0, ramp))) * yarn.extrapolation();
    return interpolated * (1 - keep) + frequency * keep;
  }

  /** The pair, as a fraction, that turns {@code turns} times within the original context. */
  private static double pairWithTurns(RopeConfig rope, RopeConfig.Yarn yarn, double turns) {
    return rope.dimensions()
        * StrictMath.log(yarn.originalContext() / (turns * 2 * Math.PI))
        / (2 * StrictMath.log(rope.base()));
  }
}

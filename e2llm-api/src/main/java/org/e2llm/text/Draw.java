package org.e2llm.text;

/**
 * The random draws: a function of (seed, position), never of a generator's state, so that any
 * device can go on with a session at any position.
 *
 * <p>Two rounds of the mixing function of SplitMix64 (Steele, Lea, Flood: <i>Fast splittable
 * pseudorandom number generators</i>, OOPSLA 2014), the seed first so that neighbouring seeds do
 * not give shifted sequences.
 */
final class Draw {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private Draw() {}

  /** Uniform in [0, 1), a multiple of 2^-53. */
  static double uniform(long seed, int position) {
    long hash = mix(mix(seed + GOLDEN_GAMMA) + GOLDEN_GAMMA * (position + 1L));
    return (hash >>> 11) * 0x1p-53;
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}

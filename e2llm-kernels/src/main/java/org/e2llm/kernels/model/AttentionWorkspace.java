package org.e2llm.kernels.model;

/** Attention's buffers, one set per worker; shared by the layers of a stage. */
final class AttentionWorkspace {
  private final float[][] blocks;
  private final float[][] scores;

  AttentionWorkspace(Heads heads, int workers) {
    int longest = Math.max(heads.keyLength(), heads.valueLength());
    blocks = new float[workers][KvPages.POSITIONS * longest];
    scores = new float[workers][0];
  }

  /** One block of keys or values of one head as F32: positions × head length. */
  float[] block(int worker) {
    return blocks[worker];
  }

  /** At least {@code n} floats; grows by doubling, so that a growing session seldom allocates. */
  float[] scores(int worker, int n) {
    if (scores[worker].length < n) {
      scores[worker] = new float[Math.max(n, 2 * scores[worker].length)];
    }
    return scores[worker];
  }
}

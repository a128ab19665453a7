package org.e2llm;

/**
 * Feeds tokens to the model and reads what it makes of them: for evaluation, perplexity and
 * benchmarks. Nothing is sampled.
 *
 * <p>Computes on the serving thread, between the batches of generations; the calling thread blocks
 * in {@code feed}, {@code logProbabilities} and {@code reset} only. Not thread-safe. Holds a
 * reservation of KV cache from its making until {@link #close()}.
 *
 * <p>After an error other than {@link InvalidRequestException} and {@link CapacityException} the
 * scorer is as after {@link #reset()}.
 */
public interface Scorer extends AutoCloseable {
  /** Feeds tokens from {@link #position()} on, in chunks as large as a batch may be. */
  void feed(int[] tokens);

  /**
   * Feeds tokens from {@link #position()} on.
   *
   * @param chunk tokens per forward pass, at least 1; more than a batch may have is cut to that
   */
  void feed(int[] tokens, int chunk);

  /**
   * The logits of the last position fed, one per token of the vocabulary; a copy.
   *
   * @throws IllegalStateException if nothing was fed since the last reset
   */
  float[] logits();

  /**
   * Feeds {@code tokens} from {@link #position()} on and gives how probable each next one was.
   *
   * @return {@code tokens.length - 1} values: element i is the natural logarithm of the probability
   *     of {@code tokens[i + 1]} after everything up to {@code tokens[i]}
   */
  double[] logProbabilities(int[] tokens);

  /** Tokens fed since the last reset. */
  int position();

  /** The most tokens that can be fed. */
  int capacity();

  /** Forgets everything that was fed. */
  void reset();

  /** Frees the KV cache. */
  @Override
  void close();
}

package org.e2llm.text;

import org.e2llm.NonFiniteLogitsException;

/** Probabilities of a row of logits: softmax over the whole vocabulary, in double, by id. */
public final class LogProbability {
  private LogProbability() {}

  /**
   * The natural logarithm of a token's probability.
   *
   * @param logits holds the row
   * @param offset where the row starts
   * @param width tokens of the vocabulary
   * @param token whose probability
   * @throws NonFiniteLogitsException if a logit is not finite
   */
  public static double of(float[] logits, int offset, int width, int token) {
    return logits[offset + token] - normalizer(logits, offset, width);
  }

  /** The logarithm of the sum of exp over a row: a logit minus it is a log probability. */
  static double normalizer(float[] logits, int offset, int width) {
    double max = logits[offset];
    for (int i = 1; i < width; i++) {
      max = Math.max(max, logits[offset + i]);
    }
    double sum = 0;
    for (int i = 0; i < width; i++) {
      sum += Exp.ofNonPositive(logits[offset + i] - max);
    }
    double normalizer = max + StrictMath.log(sum);
    if (!(Math.abs(normalizer) <= Double.MAX_VALUE)) {
      throw new NonFiniteLogitsException(
          "logits are not finite: the model's weights are damaged or overflow");
    }
    return normalizer;
  }
}

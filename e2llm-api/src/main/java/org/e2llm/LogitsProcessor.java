package org.e2llm;

import org.e2llm.text.TokenLog;

/**
 * Changes logits before a token is chosen: the seam for constrained output.
 *
 * <p>Called once per generated token, before every other step of the sampling chain, on the thread
 * that samples (the one that computes: be quick, and do not block). Calls for one request come in
 * order and never overlap; an object shared by several requests must keep their state apart. What
 * it throws ends its generation with a {@link CallbackException}.
 */
@FunctionalInterface
public interface LogitsProcessor {
  /**
   * Changes {@code logits} in place.
   *
   * @param tokens prompt and output so far; valid during the call
   * @param logits one per token of the vocabulary, for the position {@code tokens.size()}; valid
   *     during the call. Negative infinity forbids a token; at least one must stay finite
   */
  void process(TokenLog tokens, float[] logits);
}

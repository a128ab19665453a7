package org.e2llm;

/**
 * A candidate for a position.
 *
 * @param id in the model's vocabulary
 * @param logprob natural logarithm of its probability, see {@link Token#logprob()}
 */
public record TokenLogprob(int id, float logprob) {}

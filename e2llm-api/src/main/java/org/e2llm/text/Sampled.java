package org.e2llm.text;

import java.util.List;
import org.e2llm.TokenLogprob;

/**
 * A chosen token.
 *
 * @param token its id
 * @param logprob see {@link org.e2llm.Token#logprob()}; NaN if not asked for
 * @param top see {@link org.e2llm.Token#top()}; empty if not asked for
 */
public record Sampled(int token, float logprob, List<TokenLogprob> top) {}

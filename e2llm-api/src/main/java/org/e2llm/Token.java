package org.e2llm;

import java.util.List;
import java.util.Objects;

/**
 * One generated token.
 *
 * <p>The texts of a generation's tokens, put together, are its text. A token's own text may be
 * empty or belong in part to tokens before it: a character that is split over tokens comes once it
 * is complete, and text that may yet become a stop sequence is held back until that is decided. The
 * token that ends a generation brings what was held back; bytes left over become U+FFFD.
 *
 * @param id in the model's vocabulary
 * @param text what this token adds to the text
 * @param position absolute, counted from the first token of the prompt
 * @param logprob natural logarithm of the token's probability, or NaN if {@link
 *     GenerationRequest.Builder#logprobs} was not asked for. The distribution is the model's own:
 *     softmax over the whole vocabulary of the logits before bias, penalties, truncation and
 *     temperature
 * @param top the most probable tokens of the same distribution, best first; empty if not asked for
 */
public record Token(int id, String text, int position, float logprob, List<TokenLogprob> top) {
  public Token {
    Objects.requireNonNull(text, "text");
    top = List.copyOf(top);
  }
}

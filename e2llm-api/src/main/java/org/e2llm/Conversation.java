package org.e2llm;

import java.util.List;

/**
 * A conversation that keeps its KV cache between turns, so that a turn computes only what is new.
 *
 * <p>Every turn renders the whole conversation with the model's chat template, compares the tokens
 * with those the KV cache holds, and goes on after the longest common beginning: the text is the
 * same as if nothing had been kept.
 *
 * <p>Between turns the KV cache counts as reserved memory; if other requests need that memory it is
 * given up, and the next turn computes everything. {@link #close()} frees it.
 *
 * <p>Thread-safe; one turn at a time.
 */
public interface Conversation extends AutoCloseable {
  /**
   * Says something and generates the answer, with the defaults of {@link GenerationRequest}.
   *
   * @throws IllegalStateException while a turn runs
   */
  Generation send(String userText);

  /**
   * Says something and generates the answer. The request's {@code messages} are what is new and are
   * added to the conversation; its other settings hold for this turn.
   *
   * <p>The answer is added once the generation has ended, also one that was cancelled or cut short.
   * If it fails, the conversation is as it was before.
   *
   * @throws InvalidRequestException if the request has a raw prompt instead of messages
   * @throws IllegalStateException while a turn runs
   */
  Generation send(GenerationRequest turn);

  /** The messages so far, those of a running turn included; a copy. */
  List<Message> messages();

  /** Tokens of the conversation that the KV cache holds now. */
  int cachedTokens();

  /** Cancels a running turn and frees the KV cache. */
  @Override
  void close();
}

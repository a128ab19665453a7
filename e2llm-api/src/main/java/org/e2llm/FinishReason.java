package org.e2llm;

/** Why a generation ended. */
public enum FinishReason {
  /** The model gave an end-of-generation token. */
  STOP,
  /** {@link GenerationRequest.Builder#maxTokens} tokens were generated, or the context is full. */
  LENGTH,
  /** One of the request's stop sequences was completed; it is not part of the text. */
  STOP_SEQUENCE,
  /** {@link Generation#cancel()}, {@link Generation#close()} or {@link E2llm#close()}. */
  CANCELLED
}

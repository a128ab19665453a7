package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * The model produced NaN or infinite logits: its weights are damaged or overflow. The generation
 * ends, the library goes on.
 */
public class NonFiniteLogitsException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public NonFiniteLogitsException(String message) {
    super(message);
  }

  public NonFiniteLogitsException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

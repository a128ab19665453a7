package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * A request does not fit: its KV cache is larger than the budget or the context, or the queue is
 * full. The message says what would fit.
 */
public class CapacityException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public CapacityException(String message) {
    super(message);
  }

  public CapacityException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

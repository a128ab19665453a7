package org.e2llm;

import org.jspecify.annotations.Nullable;

/** The object was used after it was closed. */
public class ClosedException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public ClosedException(String message) {
    super(message);
  }

  public ClosedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

package org.e2llm;

import org.jspecify.annotations.Nullable;

/** A request waited in the queue past its deadline and was not started. */
public class DeadlineExceededException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public DeadlineExceededException(String message) {
    super(message);
  }

  public DeadlineExceededException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

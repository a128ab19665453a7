package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * A generation had not ended when the time given to {@link Generation#await(java.time.Duration)}
 * was over. It goes on.
 */
public class WaitTimeoutException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public WaitTimeoutException(String message) {
    super(message);
  }

  public WaitTimeoutException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

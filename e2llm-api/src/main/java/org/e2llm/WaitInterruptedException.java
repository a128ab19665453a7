package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * The thread that pulled tokens or awaited a result was interrupted. The generation goes on, and
 * the thread's interrupt flag is set.
 */
public class WaitInterruptedException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public WaitInterruptedException(String message) {
    super(message);
  }

  public WaitInterruptedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

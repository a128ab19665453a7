package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * A stage threw while it computed a batch. The sessions of that batch ended, the library goes on.
 * The cause is what was thrown.
 */
public class StageFailedException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public StageFailedException(String message) {
    super(message);
  }

  public StageFailedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

package org.e2llm;

import org.jspecify.annotations.Nullable;

/** A stage was given work of an older session epoch than the one it knows. */
public class StaleEpochException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public StaleEpochException(String message) {
    super(message);
  }

  public StaleEpochException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

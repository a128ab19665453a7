package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * A plan or a fleet in JSON is malformed: not JSON, a field that is missing, unknown or of another
 * type, a number that is none. The message names the field.
 */
public class PlanFormatException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public PlanFormatException(String message) {
    super(message);
  }

  public PlanFormatException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

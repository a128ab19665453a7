package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * A request or an option contradicts itself or the model: an empty prompt, a token id out of range,
 * a negative size.
 */
public class InvalidRequestException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public InvalidRequestException(String message) {
    super(message);
  }

  public InvalidRequestException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

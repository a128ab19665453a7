package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * The root of every error this library throws on purpose. Subclasses name the cause; the message
 * says what was found, what was expected and what to do.
 */
public class E2llmException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public E2llmException(String message) {
    super(message);
  }

  public E2llmException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * The root of every error this library throws on purpose. Subclasses name the cause; the message
 * says what was found, what was expected and what to do.
 */
public class E2llmException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private volatile String textSoFar = "";

  public E2llmException(String message) {
    super(message);
  }

  public E2llmException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** Where a generation ended with this error: the text it had produced; otherwise empty. */
  public final String textSoFar() {
    return textSoFar;
  }

  /** Notes what a generation had produced when it ended with this error; for the serving core. */
  public final E2llmException withTextSoFar(String text) {
    this.textSoFar = text;
    return this;
  }
}

package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * Code of the app threw where the library called it: a token callback, a subscriber, a logits
 * processor, a progress listener. Its generation ended; others went on. The cause is what was
 * thrown.
 */
public class CallbackException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public CallbackException(String message) {
    super(message);
  }

  public CallbackException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

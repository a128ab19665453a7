package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * The model has no chat template, or one that is not recognised; the message says how to pass a raw
 * prompt.
 */
public class UnknownChatTemplateException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public UnknownChatTemplateException(String message) {
    super(message);
  }

  public UnknownChatTemplateException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

package org.e2llm;

import org.jspecify.annotations.Nullable;

/** A model file is damaged or breaks its format; the message names the field and the limit. */
public class ModelFormatException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public ModelFormatException(String message) {
    super(message);
  }

  public ModelFormatException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

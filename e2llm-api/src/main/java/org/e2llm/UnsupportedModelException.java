package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * A sound model file asks for something this library does not compute: an architecture, a tensor
 * type, a tokenizer. The message lists what is supported.
 */
public class UnsupportedModelException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public UnsupportedModelException(String message) {
    super(message);
  }

  public UnsupportedModelException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

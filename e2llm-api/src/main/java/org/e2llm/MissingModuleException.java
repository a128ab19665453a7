package org.e2llm;

import org.jspecify.annotations.Nullable;

/** No implementation of a service is on the class path; the message names the artifact to add. */
public class MissingModuleException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public MissingModuleException(String message) {
    super(message);
  }

  public MissingModuleException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

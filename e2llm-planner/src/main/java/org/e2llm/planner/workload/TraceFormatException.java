package org.e2llm.planner.workload;

import org.e2llm.E2llmException;
import org.jspecify.annotations.Nullable;

/** A file of recorded requests cannot be used. The message names file, line and field. */
public class TraceFormatException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public TraceFormatException(String message) {
    super(message);
  }

  public TraceFormatException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

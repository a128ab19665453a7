package org.e2llm.cluster;

import org.e2llm.E2llmException;
import org.jspecify.annotations.Nullable;

/** Something between peers failed. Subclasses name the cause. */
public class ClusterException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public ClusterException(String message) {
    super(message);
  }

  public ClusterException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

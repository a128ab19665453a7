package org.e2llm.cluster;

import org.jspecify.annotations.Nullable;

/** A connection ended without a farewell: reset, cut, or more queued on it than it may hold. */
public class ConnectionLostException extends ClusterException {
  private static final long serialVersionUID = 1L;

  public ConnectionLostException(String message) {
    super(message);
  }

  public ConnectionLostException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

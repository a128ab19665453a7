package org.e2llm.cluster;

import org.jspecify.annotations.Nullable;

/**
 * No connection to an address came about: refused, no route, no answer in time, or something that
 * answers there but is no peer. The message says which.
 */
public class UnreachableException extends ClusterException {
  private static final long serialVersionUID = 1L;

  public UnreachableException(String message) {
    super(message);
  }

  public UnreachableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

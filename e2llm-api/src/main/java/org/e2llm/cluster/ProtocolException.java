package org.e2llm.cluster;

import org.jspecify.annotations.Nullable;

/**
 * A peer sent bytes that the protocol does not allow. The message names the field, what was found
 * and the limit. The connection it came from ends; no other is touched.
 */
public class ProtocolException extends ClusterException {
  private static final long serialVersionUID = 1L;

  public ProtocolException(String message) {
    super(message);
  }

  public ProtocolException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

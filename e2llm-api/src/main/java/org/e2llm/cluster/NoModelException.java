package org.e2llm.cluster;

/**
 * This device has no model file, and no peer gave it one in time. The message says how many peers
 * were there.
 */
public class NoModelException extends ClusterException {
  private static final long serialVersionUID = 1L;

  public NoModelException(String message) {
    super(message);
  }
}

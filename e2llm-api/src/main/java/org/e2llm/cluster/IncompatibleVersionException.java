package org.e2llm.cluster;

/** No version of the protocol is spoken by both peers. The message has both ranges. */
public class IncompatibleVersionException extends ClusterException {
  private static final long serialVersionUID = 1L;

  public IncompatibleVersionException(String message) {
    super(message);
  }
}

package org.e2llm.cluster;

/** The other side could not prove that it holds this cluster's secret. */
public class WrongSecretException extends ClusterException {
  private static final long serialVersionUID = 1L;

  public WrongSecretException(String message) {
    super(message);
  }
}

package org.e2llm;

/** Planning was cancelled by whoever asked for it. */
public class PlanCancelledException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public PlanCancelledException(String message) {
    super(message);
  }
}

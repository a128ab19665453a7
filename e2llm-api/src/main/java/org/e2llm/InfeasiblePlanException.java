package org.e2llm;

import org.jspecify.annotations.Nullable;

/**
 * No plan is possible with what there is: too little memory on devices that reach each other, or
 * wishes that exclude each other. The message says what would make one possible.
 */
public class InfeasiblePlanException extends E2llmException {
  private static final long serialVersionUID = 1L;

  private final long missingBytes;

  /**
   * Says why.
   *
   * @param missingBytes memory that is missing, or 0 if memory is not the reason
   */
  public InfeasiblePlanException(String message, long missingBytes) {
    this(message, missingBytes, null);
  }

  public InfeasiblePlanException(String message, long missingBytes, @Nullable Throwable cause) {
    super(message, cause);
    this.missingBytes = missingBytes;
  }

  /** Memory that is missing, in bytes; 0 if memory is not the reason. */
  public long missingBytes() {
    return missingBytes;
  }
}

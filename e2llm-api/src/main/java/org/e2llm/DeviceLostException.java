package org.e2llm;

/**
 * A generation cannot go on: the devices that are left cannot serve the model, or not this session.
 * The message says which device was lost and what would be enough; {@link #textSoFar()} has what
 * was generated.
 */
public class DeviceLostException extends E2llmException {
  private static final long serialVersionUID = 1L;

  public DeviceLostException(String message) {
    super(message);
  }
}

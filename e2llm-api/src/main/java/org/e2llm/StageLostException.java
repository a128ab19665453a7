package org.e2llm;

/**
 * A stage on another device was lost, or refuses, in the middle of its work. What ran there can go
 * on elsewhere: a cluster does that by itself.
 */
public class StageLostException extends StageFailedException {
  private static final long serialVersionUID = 1L;

  public StageLostException(String message) {
    super(message);
  }
}

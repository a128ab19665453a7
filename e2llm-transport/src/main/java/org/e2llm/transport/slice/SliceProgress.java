package org.e2llm.transport.slice;

/**
 * How far a device is with bytes of a model.
 *
 * @param doneBytes of what is wanted that are here and verified
 * @param totalBytes of what is wanted
 */
public record SliceProgress(long doneBytes, long totalBytes) {
  public boolean isComplete() {
    return doneBytes >= totalBytes;
  }
}

package org.e2llm.cluster;

/**
 * There is no room on this device for the bytes of a model that it is to hold: the cache's limit is
 * reached, or the disk is full. The message says which, and what to do.
 */
public class CacheFullException extends ClusterException {
  private static final long serialVersionUID = 1L;

  private final long missingBytes;

  public CacheFullException(String message, long missingBytes) {
    super(message);
    this.missingBytes = missingBytes;
  }

  /** So many bytes more, and it would have fitted. */
  public long missingBytes() {
    return missingBytes;
  }
}

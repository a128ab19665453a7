package org.e2llm.transport.stage;

/** The memory that journals on this device may take together. Thread-safe. */
final class JournalMemory {
  private long limit;
  private long used;

  /** From now on; what is taken already stays. */
  synchronized void limit(long bytes) {
    limit = bytes;
  }

  /** False if there is not so much left. */
  synchronized boolean take(long bytes) {
    if (bytes > limit - used) {
      return false;
    }
    used += bytes;
    return true;
  }

  synchronized void give(long bytes) {
    used -= bytes;
  }

  synchronized long used() {
    return used;
  }
}

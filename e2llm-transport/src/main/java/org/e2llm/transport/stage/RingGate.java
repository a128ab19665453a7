package org.e2llm.transport.stage;

import org.jspecify.annotations.Nullable;

/** Says whether a ring that somebody sets up fits the plans in force, and what it may use. */
@FunctionalInterface
public interface RingGate {
  /**
   * What a ring may use here.
   *
   * @param kvTokens the most tokens that its stages may cache at the same time
   * @param journalBytes of hidden states that its stage on this device may keep; 0 for none
   */
  record Room(long kvTokens, long journalBytes) {}

  /** Null if it does, else why not. */
  @Nullable String refusal(Ring ring);

  /** The room for one that fits. */
  default Room room(Ring ring) {
    return new Room(Long.MAX_VALUE, 0);
  }
}

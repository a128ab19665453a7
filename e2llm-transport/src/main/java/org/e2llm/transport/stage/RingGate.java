package org.e2llm.transport.stage;

import org.jspecify.annotations.Nullable;

/** Says whether a ring that somebody sets up fits the plans in force. */
@FunctionalInterface
public interface RingGate {
  /** Null if it does, else why not. */
  @Nullable String refusal(Ring ring);
}

package org.e2llm.transport.net;

/** The two connections of a pair of peers. What is small and urgent never waits behind bytes. */
public enum Lane {
  /** Hidden states, tokens, membership, heartbeats. */
  HOT,
  /** Slices and KV. */
  BULK
}

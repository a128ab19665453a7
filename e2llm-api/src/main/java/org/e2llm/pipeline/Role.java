package org.e2llm.pipeline;

/** What a replica is used for. */
public enum Role {
  PREFILL,
  DECODE,
  MIXED
}

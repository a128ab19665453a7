package org.e2llm.kernels.model;

/** What the gate of a feed-forward network goes through. */
public enum Activation {
  /** {@code x / (1 + exp(-x))}. */
  SILU,
  /** GELU in its tanh approximation. */
  GELU
}

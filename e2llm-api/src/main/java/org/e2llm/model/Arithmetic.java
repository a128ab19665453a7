package org.e2llm.model;

/** In what activations are computed. Results are defined bit for bit per arithmetic. */
public enum Arithmetic {
  /** Activations F32. */
  F32,
  /** Activations quantised in blocks of int8, integer dot products. */
  INT8
}

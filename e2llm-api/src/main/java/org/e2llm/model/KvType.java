package org.e2llm.model;

/** How the elements of a KV cache are stored. Attention always computes on their F32 values. */
public enum KvType {
  /** 4 bytes per element. */
  F32,
  /** IEEE 754 binary16, round to nearest even: 2 bytes per element. */
  F16,
  /** Blocks of 32 int8 with one binary16 scale, as GGUF's Q8_0: 34 bytes per 32 elements. */
  Q8_0;

  /** Bytes that {@code elements} take; for Q8_0 a multiple of 32 is needed. */
  public long bytes(long elements) {
    switch (this) {
      case F32:
        return 4 * elements;
      case F16:
        return 2 * elements;
      default:
        return elements / 32 * 34;
    }
  }

  /** Whether rows of {@code elements} can be stored in this type. */
  public boolean fits(int elements) {
    return this != Q8_0 || elements % 32 == 0;
  }
}

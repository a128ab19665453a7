package org.e2llm.plan;

/** How hidden states travel between stages. Only F32 leaves every bit as it is. */
public enum HiddenType {
  /** 4 bytes per element: lossless. */
  F32,
  /** IEEE 754 binary16: 2 bytes per element. */
  F16,
  /** Blocks of 32 int8 with one binary16 scale: 34 bytes per 32 elements. */
  Q8_0;

  /** Bytes of {@code elements}; for Q8_0 the last block is filled up. */
  public long bytes(long elements) {
    switch (this) {
      case F32:
        return 4 * elements;
      case F16:
        return 2 * elements;
      default:
        return (elements + 31) / 32 * 34;
    }
  }
}

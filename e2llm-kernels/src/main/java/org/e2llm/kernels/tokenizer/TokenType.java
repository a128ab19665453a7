package org.e2llm.kernels.tokenizer;

/** What a token is for. */
enum TokenType {
  UNDEFINED(0),
  NORMAL(1),
  UNKNOWN(2),
  CONTROL(3),
  USER_DEFINED(4),
  UNUSED(5),
  BYTE(6);

  /** The largest {@link #code}; the smallest is 0. */
  static final int MAX_CODE = 6;

  private static final TokenType[] BY_CODE = values();

  private final byte code;

  TokenType(int code) {
    this.code = (byte) code;
  }

  static TokenType of(int code) {
    return BY_CODE[code];
  }

  /** The number in {@code tokenizer.ggml.token_type} of GGUF. */
  byte code() {
    return code;
  }

  /** Whether text can become such a token only where special tokens are parsed. */
  boolean isGuarded() {
    return this == CONTROL || this == UNKNOWN;
  }

  /** Whether the token is looked for in a text before anything else is. */
  boolean isSpecial() {
    return isGuarded() || this == USER_DEFINED;
  }
}

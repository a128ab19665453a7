package org.e2llm.kernels.tokenizer;

/** What a token is for; the order is that of {@code tokenizer.ggml.token_type} in GGUF. */
enum TokenType {
  UNDEFINED,
  NORMAL,
  UNKNOWN,
  CONTROL,
  USER_DEFINED,
  UNUSED,
  BYTE;

  private static final TokenType[] VALUES = values();

  static TokenType of(int code) {
    return VALUES[code];
  }

  static int count() {
    return VALUES.length;
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

package org.e2llm.kernels.tokenizer;

/** The half of a tokenizer that differs between the kinds of vocabulary. Thread-safe. */
interface TokenCodec {
  /**
   * Adds the tokens of a text without special tokens, {@code text[from, to)}, not empty.
   *
   * @param first whether the text starts the prompt or follows a special token
   */
  void encode(byte[] text, int from, int to, boolean first, IntList tokens);

  /** The bytes that a token of type normal or byte stands for. */
  byte[] bytes(int token);

  /** Whether encoding puts one space before a text that is {@code first}. */
  boolean addsSpace();
}

package org.e2llm.text;

/** The tokens of a session by absolute position, for reading. */
public interface TokenLog {
  /** Tokens held: positions {@code [0, size())}. */
  int size();

  /** The token at {@code position}. */
  int get(int position);
}

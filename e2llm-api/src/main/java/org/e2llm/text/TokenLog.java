package org.e2llm.text;

/** The tokens of a session by absolute position, for reading. */
public interface TokenLog {
  /** Tokens held: positions {@code [0, size())}. */
  int size();

  /** The token at {@code position}, at least 0 and below {@link #size()}. */
  int get(int position);
}

package org.e2llm.text;

import java.util.Arrays;

/** A token log that grows. Not thread-safe. */
public final class TokenList implements TokenLog {
  private int[] tokens;
  private int size;

  public TokenList(int... tokens) {
    this.tokens = tokens.clone();
    this.size = tokens.length;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public int get(int position) {
    if (position < 0 || position >= size) {
      throw new IndexOutOfBoundsException("position " + position + " of " + size + " tokens");
    }
    return tokens[position];
  }

  public void add(int token) {
    if (size == tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.max(16, size + (size >> 1)));
    }
    tokens[size++] = token;
  }

  /** Copies positions {@code [from, from + length)} to {@code target} at {@code offset}. */
  public void copyTo(int from, int length, int[] target, int offset) {
    if (from < 0 || length < 0 || from > size - length) {
      throw new IndexOutOfBoundsException(
          "positions " + from + " to " + (from + length) + " of " + size + " tokens");
    }
    System.arraycopy(tokens, from, target, offset, length);
  }

  /** The first {@code length} tokens. */
  public int[] head(int length) {
    int[] head = new int[length];
    copyTo(0, length, head, 0);
    return head;
  }
}

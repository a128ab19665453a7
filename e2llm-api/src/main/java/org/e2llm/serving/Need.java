package org.e2llm.serving;

/**
 * What a session takes of a KV cache, in tokens.
 *
 * @param first what it holds from its beginning on
 * @param likely what it will come to hold, as far as can be told
 * @param most what it may come to hold
 * @param ends whether it comes to its end by itself once it may hold that, so that others can count
 *     on what it holds
 */
record Need(int first, int likely, int most, boolean ends) {
  Need {
    if (first < 1 || likely < first || most < likely) {
      throw new IllegalArgumentException(first + " tokens, likely " + likely + ", most " + most);
    }
  }

  /** All at once, for as long as somebody else decides. */
  static Need fixed(int tokens) {
    return new Need(tokens, tokens, tokens, false);
  }
}

package org.e2llm.cluster;

import java.util.Locale;
import org.e2llm.InvalidRequestException;

/**
 * The printed form of a secret: 26 symbols of 5 bits and a check symbol, in groups of four, in
 * Douglas Crockford's Base32 alphabet, which has no I, L, O, U to be misread.
 *
 * <p>The check symbol makes the sum of {@code symbol[i] · 2^i} in GF(32) zero. The factors differ
 * and none is zero, so any one wrong symbol and any two swapped ones are noticed, one wrong in 32
 * otherwise.
 */
final class SecretText {
  static final int SYMBOLS = 26;

  private static final String ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  private static final int GROUP = 4;

  private SecretText() {}

  static String encode(byte[] symbols) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i <= SYMBOLS; i++) {
      if (i > 0 && i % GROUP == 0) {
        text.append('-');
      }
      text.append(ALPHABET.charAt(i < SYMBOLS ? symbols[i] : check(symbols)));
    }
    return text.toString();
  }

  static byte[] decode(CharSequence text) {
    byte[] symbols = new byte[SYMBOLS];
    int found = 0;
    int check = 0;
    for (int at = 0; at < text.length(); at++) {
      char c = text.charAt(at);
      if (Character.isWhitespace(c) || c == '-' || c == '\u2010' || c == '\u2013') {
        continue;
      }
      int symbol = symbol(c);
      if (symbol < 0) {
        throw new InvalidRequestException(
            "the cluster secret has something at character "
                + (at + 1)
                + " that is no letter or digit of a secret. Copy it again.");
      }
      if (found < SYMBOLS) {
        symbols[found] = (byte) symbol;
      } else {
        check = symbol;
      }
      found++;
    }
    if (found != SYMBOLS + 1) {
      throw new InvalidRequestException(
          "the cluster secret has "
              + found
              + " letters and digits, expected are "
              + (SYMBOLS + 1)
              + ". Copy all of it; a phrase of your own is a pass phrase, not a secret.");
    }
    if (check != check(symbols)) {
      throw new InvalidRequestException(
          "the cluster secret has a wrong or swapped character. Copy it again.");
    }
    return symbols;
  }

  private static int symbol(char c) {
    switch (Character.toUpperCase(c)) {
      case 'O':
        return 0;
      case 'I':
      case 'L':
        return 1;
      default:
        return c < 128 ? ALPHABET.indexOf(String.valueOf(c).toUpperCase(Locale.ROOT)) : -1;
    }
  }

  /** Sum of symbol[i] · 2^(i+1), so that the check symbol, with factor 1, brings it to zero. */
  private static int check(byte[] symbols) {
    int sum = 0;
    for (int i = SYMBOLS - 1; i >= 0; i--) {
      sum = twice(sum ^ symbols[i]);
    }
    return sum;
  }

  /** Times 2 in GF(2)[x] modulo x^5 + x^2 + 1, in which the powers of 2 repeat after 31. */
  private static int twice(int a) {
    return (a << 1 ^ (a >> 4) * 0b100101) & 31;
  }
}

package org.e2llm.kernels.tokenizer;

import org.e2llm.InvalidRequestException;

/** UTF-8, with U+FFFD for what is no Unicode: lone surrogates here, stray bytes there. */
final class Utf8 {
  /** U+2581, which SentencePiece vocabularies write for a space. */
  static final byte[] SPACE_MARK = {(byte) 0xE2, (byte) 0x96, (byte) 0x81};

  private Utf8() {}

  /** Length in bytes of the character that starts with {@code lead}; 1 for a stray byte. */
  static int length(byte lead) {
    int b = lead & 0xFF;
    return b < 0xC0 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
  }

  static byte[] encode(CharSequence text) {
    long length = longLength(text, 0, text.length());
    if (length > Integer.MAX_VALUE / 4) {
      throw new InvalidRequestException(
          "the text has " + length + " bytes, the limit is " + Integer.MAX_VALUE / 4);
    }
    byte[] result = new byte[(int) length];
    int at = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (isPair(text, i)) {
        int point = Character.toCodePoint(c, text.charAt(++i));
        result[at++] = (byte) (0xF0 | (point >> 18));
        result[at++] = (byte) (0x80 | ((point >> 12) & 0x3F));
        result[at++] = (byte) (0x80 | ((point >> 6) & 0x3F));
        result[at++] = (byte) (0x80 | (point & 0x3F));
      } else if (c < 0x80) {
        result[at++] = (byte) c;
      } else if (c < 0x800) {
        result[at++] = (byte) (0xC0 | (c >> 6));
        result[at++] = (byte) (0x80 | (c & 0x3F));
      } else {
        char valid = Character.isSurrogate(c) ? '\uFFFD' : c;
        result[at++] = (byte) (0xE0 | (valid >> 12));
        result[at++] = (byte) (0x80 | ((valid >> 6) & 0x3F));
        result[at++] = (byte) (0x80 | (valid & 0x3F));
      }
    }
    return result;
  }

  /** Length in bytes of the characters {@code [from, to)}; a pair counts where it starts. */
  static int length(CharSequence text, int from, int to) {
    return (int) longLength(text, from, to);
  }

  private static long longLength(CharSequence text, int from, int to) {
    long length = 0;
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      if (i > 0 && isPair(text, i - 1)) {
        continue;
      }
      length += isPair(text, i) ? 4 : c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
    }
    return length;
  }

  private static boolean isPair(CharSequence text, int i) {
    return Character.isHighSurrogate(text.charAt(i))
        && i + 1 < text.length()
        && Character.isLowSurrogate(text.charAt(i + 1));
  }
}

package org.e2llm.kernels.tokenizer;

/** How vocabularies write a token that is one byte: {@code <0x0A>}. */
final class ByteToken {
  private ByteToken() {}

  /** The byte, 0 to 255, or -1 where {@code text} is not written like this. */
  static int value(byte[] text) {
    if (text.length != 6 || text[0] != '<' || text[1] != '0' || text[2] != 'x' || text[5] != '>') {
      return -1;
    }
    int high = Character.digit(text[3], 16);
    int low = Character.digit(text[4], 16);
    return high < 0 || low < 0 ? -1 : 16 * high + low;
  }

  /** The text of byte {@code b}. */
  static String text(int b) {
    return "<0x" + "0123456789ABCDEF".charAt(b >> 4) + "0123456789ABCDEF".charAt(b & 15) + ">";
  }
}

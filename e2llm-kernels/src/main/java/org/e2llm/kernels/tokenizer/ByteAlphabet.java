package org.e2llm.kernels.tokenizer;

import java.util.Arrays;

/**
 * The printable characters that byte-level vocabularies write bytes with: printable Latin-1 stands
 * for itself, the 68 other bytes are U+0100 and up, so that a space reads {@code Ġ}.
 *
 * <p>Source: GPT-2, {@code encoder.py}, {@code bytes_to_unicode}.
 */
final class ByteAlphabet {
  private static final char[] CHARACTER = new char[256];
  private static final int[] BYTE = new int[0x144];

  static {
    Arrays.fill(BYTE, -1);
    char next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD);
      CHARACTER[b] = printable ? (char) b : next++;
      BYTE[CHARACTER[b]] = b;
    }
  }

  private ByteAlphabet() {}

  /** Writes {@code source[from, to)} in the alphabet, as UTF-8, to the start of {@code target}. */
  static int write(byte[] source, int from, int to, byte[] target) {
    int length = 0;
    for (int i = from; i < to; i++) {
      char c = CHARACTER[source[i] & 0xFF];
      if (c < 0x80) {
        target[length++] = (byte) c;
      } else {
        target[length++] = (byte) (0xC0 | (c >> 6));
        target[length++] = (byte) (0x80 | (c & 0x3F));
      }
    }
    return length;
  }

  /** The bytes that {@code text} stands for; characters outside the alphabet as they are. */
  static byte[] read(byte[] text) {
    byte[] result = new byte[text.length];
    int length = 0;
    for (int i = 0; i < text.length; ) {
      int step = Utf8.length(text[i]);
      int b = -1;
      if (step == 1) {
        b = BYTE[text[i] & 0x7F];
      } else if (step == 2 && i + 1 < text.length) {
        int c = ((text[i] & 0x1F) << 6) | (text[i + 1] & 0x3F);
        b = c < BYTE.length ? BYTE[c] : -1;
      }
      if (b >= 0) {
        result[length++] = (byte) b;
        i += step;
      } else {
        for (int end = Math.min(text.length, i + step); i < end; i++) {
          result[length++] = text[i];
        }
      }
    }
    return Arrays.copyOf(result, length);
  }
}

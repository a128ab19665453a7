package org.e2llm.kernels.tokenizer;

/**
 * A text as code points, each with its class and with where it starts in the UTF-8 text: what
 * pre-tokenizers look at.
 */
final class CodePoints {
  final int[] value;
  final byte[] type;
  private final int[] start;
  private final int size;

  /** {@code text[from, to)} is valid UTF-8. */
  CodePoints(byte[] text, int from, int to) {
    int count = 0;
    for (int i = from; i < to; i++) {
      if ((text[i] & 0xC0) != 0x80) {
        count++;
      }
    }
    size = count;
    value = new int[count];
    type = new byte[count];
    start = new int[count + 1];
    int at = from;
    for (int i = 0; i < count; i++) {
      start[i] = at;
      int lead = text[at++];
      int point = lead;
      if (lead < 0) {
        int more = Utf8.length((byte) lead) - 1;
        point = lead & (0x3F >> more);
        for (; more > 0; more--) {
          point = (point << 6) | (text[at++] & 0x3F);
        }
      }
      value[i] = point;
      type[i] = CharacterClass.of(point);
    }
    start[count] = to;
  }

  int size() {
    return size;
  }

  /** Where code point {@code index} starts in the UTF-8 text; that of {@link #size} is its end. */
  int start(int index) {
    return start[index];
  }
}

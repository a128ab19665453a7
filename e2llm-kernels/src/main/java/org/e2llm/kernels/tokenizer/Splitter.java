package org.e2llm.kernels.tokenizer;

/**
 * Cuts a text into words before merges are applied; several in a row make a {@link PreTokenizer}.
 *
 * <p>What the field writes as a regular expression is written out here: time is linear in the text
 * and no stack is used, whatever the text, and the meaning does not depend on the platform's
 * regular expressions.
 */
@FunctionalInterface
interface Splitter {
  /**
   * Cuts code points {@code [from, to)}, {@code from < to}, and adds the end of every word to
   * {@code ends}; the last one is {@code to}. Nothing outside the range is looked at.
   */
  void split(CodePoints text, int from, int to, IntList ends);

  /** A set of code points. */
  @FunctionalInterface
  interface Members {
    boolean contains(int codePoint, byte type);
  }

  /** Every longest run of {@code members} is a word, and so is what lies between: {@code X+}. */
  static Splitter runs(Members members) {
    return (text, from, to, ends) -> runs(text, from, to, ends, members, false, Integer.MAX_VALUE);
  }

  /** As {@link #runs}, and one white space before a run belongs to it: {@code \s?X+}. */
  static Splitter runsAfterSpace(Members members) {
    return (text, from, to, ends) -> runs(text, from, to, ends, members, true, Integer.MAX_VALUE);
  }

  /** Every member is a word of its own: {@code X}. */
  static Splitter singles(Members members) {
    return (text, from, to, ends) -> runs(text, from, to, ends, members, false, 1);
  }

  /** Three digits from the left make a word: {@code [0-9][0-9][0-9]}. */
  static Splitter digitTriples() {
    return (text, from, to, ends) -> {
      int wordStart = from;
      int digits = 0;
      for (int i = from; i < to; i++) {
        digits = text.value[i] >= '0' && text.value[i] <= '9' ? digits + 1 : 0;
        if (digits == 3) {
          if (i - 2 > wordStart) {
            ends.add(i - 2);
          }
          ends.add(i + 1);
          wordStart = i + 1;
          digits = 0;
        }
      }
      if (wordStart < to) {
        ends.add(to);
      }
    };
  }

  /** White space at the end is a word: {@code \s+$}. */
  static Splitter trailingSpace() {
    return (text, from, to, ends) -> {
      int start = to;
      while (start > from && text.type[start - 1] == CharacterClass.SPACE) {
        start--;
      }
      if (start > from && start < to) {
        ends.add(start);
      }
      ends.add(to);
    };
  }

  private static void runs(
      CodePoints text,
      int from,
      int to,
      IntList ends,
      Members members,
      boolean spaceBefore,
      int longest) {
    int wordStart = from;
    int i = from;
    while (i < to) {
      int run = i;
      if (spaceBefore && text.type[i] == CharacterClass.SPACE && i + 1 < to) {
        run = i + 1;
      }
      int end = run;
      while (end < to && end - run < longest && members.contains(text.value[end], text.type[end])) {
        end++;
      }
      if (end == run) {
        i++;
        continue;
      }
      if (i > wordStart) {
        ends.add(i);
      }
      ends.add(end);
      wordStart = end;
      i = end;
    }
    if (wordStart < to) {
      ends.add(to);
    }
  }
}

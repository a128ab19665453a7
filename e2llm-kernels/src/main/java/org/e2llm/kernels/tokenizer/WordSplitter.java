package org.e2llm.kernels.tokenizer;

import static org.e2llm.kernels.tokenizer.CharacterClass.LETTER;
import static org.e2llm.kernels.tokenizer.CharacterClass.NUMBER;
import static org.e2llm.kernels.tokenizer.CharacterClass.SPACE;

/**
 * The splitters that tell words, numbers, punctuation and white space apart. At each place the
 * first rule that fits takes as much as it can.
 *
 * <p>Sources: GPT-2 {@code encoder.py}; the {@code tokenizer.json} files of Llama 3, Qwen 2, GPT-4o
 * and Mistral Tekken, in the reading of the reference engine: for GPT-4o and Tekken it takes
 * letters outside ASCII for both upper and lower case, and marks for neither.
 */
final class WordSplitter implements Splitter {
  private enum Style {
    /** Words and numbers with the space before them, contractions in lower case. */
    GPT2,
    /** Words with any one character before them, newlines kept together. */
    LLAMA3,
    /** As LLAMA3, and words are cut where lower case turns to upper. */
    GPT4O
  }

  private final Style style;
  private final boolean contractions;
  private final int digits;

  private WordSplitter(Style style, boolean contractions, int digits) {
    this.style = style;
    this.contractions = contractions;
    this.digits = digits;
  }

  /** {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}. */
  static WordSplitter gpt2() {
    return new WordSplitter(Style.GPT2, true, Integer.MAX_VALUE);
  }

  /**
   * {@code (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}|
   * ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+}.
   */
  static WordSplitter llama3(int digits) {
    return new WordSplitter(Style.LLAMA3, true, digits);
  }

  /**
   * With U for {@code [A-Z]} or a letter outside ASCII, W for {@code [a-z]} or such a letter:
   * {@code [^\r\n\p{L}\p{N}]?U*W+C?|[^\r\n\p{L}\p{N}]?U+W*C?|\p{N}{1,digits}|
   * ?[^\s\p{L}\p{N}]+[\r\n/]*| \s*[\r\n]+|\s+(?!\S)|\s+}, C a contraction where {@code
   * contractions}, else nothing.
   */
  static WordSplitter gpt4o(int digits, boolean contractions) {
    return new WordSplitter(Style.GPT4O, contractions, digits);
  }

  @Override
  public void split(CodePoints text, int from, int to, IntList ends) {
    for (int at = from; at < to; ) {
      int end =
          switch (style) {
            case GPT2 -> gpt2Word(text, at, to);
            case LLAMA3 -> llama3Word(text, at, to);
            case GPT4O -> gpt4oWord(text, at, to);
          };
      ends.add(end);
      at = end;
    }
  }

  private int gpt2Word(CodePoints text, int at, int to) {
    int end = contraction(text, at, to, false);
    if (end > at) {
      return end;
    }
    int start = afterSpace(text, at, to);
    if (start < to && text.type[start] != SPACE) {
      int type = text.type[start];
      if (type == LETTER || type == NUMBER) {
        return runEnd(text, start, to, type, Integer.MAX_VALUE);
      }
      return otherEnd(text, start, to);
    }
    return spaceEnd(text, at, to, false);
  }

  private int llama3Word(CodePoints text, int at, int to) {
    int end = contraction(text, at, to, true);
    if (end > at) {
      return end;
    }
    int letters = afterPrefix(text, at, to);
    if (letters >= 0) {
      return runEnd(text, letters, to, LETTER, Integer.MAX_VALUE);
    }
    return numberOtherOrSpace(text, at, to, false);
  }

  private int gpt4oWord(CodePoints text, int at, int to) {
    int letters = afterPrefix(text, at, to);
    if (letters < 0) {
      return numberOtherOrSpace(text, at, to, true);
    }
    int end = casedEnd(text, letters, to);
    return contractions ? contraction(text, end, to, true) : end;
  }

  /** Where {@code U*W+}, else {@code U+W*}, ends that starts at the letter {@code at}. */
  private static int casedEnd(CodePoints text, int at, int to) {
    int upper = at;
    int lastCaseless = -1;
    while (upper < to && text.type[upper] == LETTER && !isLower(text.value[upper])) {
      if (!isUpper(text.value[upper])) {
        lastCaseless = upper;
      }
      upper++;
    }
    if (upper < to && text.type[upper] == LETTER) {
      int end = upper;
      while (end < to && text.type[end] == LETTER && !isUpper(text.value[end])) {
        end++;
      }
      return end;
    }
    // No lower-case letter follows: U* gives back up to the last letter that W takes too.
    return lastCaseless >= 0 ? lastCaseless + 1 : upper;
  }

  private int numberOtherOrSpace(CodePoints text, int at, int to, boolean slashes) {
    if (text.type[at] == NUMBER) {
      return runEnd(text, at, to, NUMBER, digits);
    }
    int start = afterSpace(text, at, to);
    int end = otherEnd(text, start, to);
    if (end > start) {
      while (end < to && (isNewline(text.value[end]) || (slashes && text.value[end] == '/'))) {
        end++;
      }
      return end;
    }
    return spaceEnd(text, at, to, true);
  }

  /** The letter after the one character that may stand before a word, or -1. */
  private static int afterPrefix(CodePoints text, int at, int to) {
    if (text.type[at] == LETTER) {
      return at;
    }
    boolean prefix =
        text.type[at] != NUMBER
            && !isNewline(text.value[at])
            && at + 1 < to
            && text.type[at + 1] == LETTER;
    return prefix ? at + 1 : -1;
  }

  private static int afterSpace(CodePoints text, int at, int to) {
    return text.value[at] == ' ' && at + 1 < to ? at + 1 : at;
  }

  private static int runEnd(CodePoints text, int at, int to, int type, int longest) {
    int end = at;
    while (end < to && end - at < longest && text.type[end] == type) {
      end++;
    }
    return end;
  }

  private static int otherEnd(CodePoints text, int at, int to) {
    int end = at;
    while (end < to
        && text.type[end] != LETTER
        && text.type[end] != NUMBER
        && text.type[end] != SPACE) {
      end++;
    }
    return end;
  }

  /** White space: up to its last newline, else all but one if something follows, else all. */
  private static int spaceEnd(CodePoints text, int at, int to, boolean newlines) {
    int end = at;
    int afterNewline = -1;
    while (end < to && text.type[end] == SPACE) {
      if (isNewline(text.value[end])) {
        afterNewline = end + 1;
      }
      end++;
    }
    if (newlines && afterNewline >= 0) {
      return afterNewline;
    }
    return end < to && end - at > 1 ? end - 1 : end;
  }

  /** Where the contraction that starts at {@code at} ends; {@code at} where there is none. */
  private static int contraction(CodePoints text, int at, int to, boolean anyCase) {
    if (at + 1 >= to || text.value[at] != '\'') {
      return at;
    }
    switch (fold(text.value[at + 1], anyCase)) {
      case 's', 't', 'm', 'd' -> {
        return at + 2;
      }
      case 'r', 'v' -> {
        return at + 2 < to && fold(text.value[at + 2], anyCase) == 'e' ? at + 3 : at;
      }
      case 'l' -> {
        return at + 2 < to && fold(text.value[at + 2], anyCase) == 'l' ? at + 3 : at;
      }
      default -> {
        return at;
      }
    }
  }

  private static int fold(int codePoint, boolean anyCase) {
    return anyCase && isUpper(codePoint) ? codePoint + ('a' - 'A') : codePoint;
  }

  private static boolean isUpper(int codePoint) {
    return codePoint >= 'A' && codePoint <= 'Z';
  }

  private static boolean isLower(int codePoint) {
    return codePoint >= 'a' && codePoint <= 'z';
  }

  private static boolean isNewline(int codePoint) {
    return codePoint == '\n' || codePoint == '\r';
  }
}

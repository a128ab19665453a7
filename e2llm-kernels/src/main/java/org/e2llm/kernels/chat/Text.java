package org.e2llm.kernels.chat;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.text.TextSegment;

/**
 * A string that knows for each character whether the template or a message brought it: {@code
 * origin} has one {@link #TEMPLATE} or {@link #MESSAGE} per character of {@code value}.
 */
record Text(String value, String origin) {
  private static final String TEMPLATE = "T";
  private static final String MESSAGE = "M";
  private static final int MAX_LENGTH = 1 << 24;
  static final Text EMPTY = new Text("", "");

  static Text ofTemplate(String value) {
    return new Text(value, TEMPLATE.repeat(value.length()));
  }

  static Text ofMessage(String value) {
    return new Text(value, MESSAGE.repeat(value.length()));
  }

  /**
   * @throws TemplateException past 16 Mi characters
   */
  Text plus(Text other) {
    if ((long) length() + other.length() > MAX_LENGTH) {
      throw new TemplateException("it makes a text of more than " + MAX_LENGTH + " characters");
    }
    return new Text(value + other.value, origin + other.origin);
  }

  Text substring(int from, int to) {
    return new Text(value.substring(from, to), origin.substring(from, to));
  }

  int length() {
    return value.length();
  }

  /** As Python's {@code strip}: of white space, or of the characters in {@code set}. */
  Text strip(String set, boolean left, boolean right) {
    int from = 0;
    int to = value.length();
    while (left && from < to && strips(set, value.charAt(from))) {
      from++;
    }
    while (right && to > from && strips(set, value.charAt(to - 1))) {
      to--;
    }
    return substring(from, to);
  }

  private static boolean strips(String set, char c) {
    return set.isEmpty() ? isPythonSpace(c) : set.indexOf(c) >= 0;
  }

  private static boolean isPythonSpace(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
  }

  List<Text> split(String separator) {
    List<Text> parts = new ArrayList<>();
    int from = 0;
    for (int at = value.indexOf(separator); at >= 0; at = value.indexOf(separator, from)) {
      parts.add(substring(from, at));
      from = at + separator.length();
    }
    parts.add(substring(from, value.length()));
    return parts;
  }

  Text replace(String target, Text replacement) {
    if (target.isEmpty()) {
      return this;
    }
    List<Text> parts = split(target);
    Text joined = parts.get(0);
    for (Text part : parts.subList(1, parts.size())) {
      joined = joined.plus(replacement).plus(part);
    }
    return joined;
  }

  /** Runs of one origin; special tokens are recognised in the template's own text only. */
  List<TextSegment> segments() {
    List<TextSegment> segments = new ArrayList<>();
    int from = 0;
    for (int i = 1; i <= value.length(); i++) {
      if (i == value.length() || origin.charAt(i) != origin.charAt(from)) {
        boolean template = origin.charAt(from) == TEMPLATE.charAt(0);
        segments.add(new TextSegment(value.substring(from, i), template));
        from = i;
      }
    }
    return segments;
  }

  /** Text equals by its characters; where they came from does not matter to a template. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Text && ((Text) other).value.equals(value);
  }

  @Override
  public int hashCode() {
    return value.hashCode();
  }

  @Override
  public String toString() {
    return value;
  }
}

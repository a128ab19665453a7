package org.e2llm.kernels.chat;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a template into tokens: raw text, tag borders, and inside tags names, literals and
 * operators.
 *
 * <p>White space is handled as {@code transformers} sets Jinja up: {@code trim_blocks}, {@code
 * lstrip_blocks}, no trailing newline.
 */
final class Lexer {
  enum Kind {
    TEXT,
    BLOCK_START,
    BLOCK_END,
    PRINT_START,
    PRINT_END,
    NAME,
    STRING,
    NUMBER,
    OPERATOR,
    END
  }

  /** One token; {@code value} is unescaped for strings. */
  record Token(Kind kind, String value) {}

  private static final String[] OPERATORS = {
    "==", "!=", "<=", ">=", "//", "**", "<", ">", "+", "-", "*", "/", "%", "~", "|", "(", ")", "[",
    "]", "{", "}", ",", ":", ".", "="
  };

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = template.replace("\r\n", "\n");
    Lexer lexer = new Lexer(source.endsWith("\n") ? chop(source) : source);
    lexer.run();
    return lexer.tokens;
  }

  private static String chop(String text) {
    return text.substring(0, text.length() - 1);
  }

  private void run() {
    boolean trimNext = false; // the tag before ended in -
    boolean dropNewline = false; // the tag before was a block or a comment
    while (at < source.length()) {
      int open = nextTag(at);
      String text = source.substring(at, open);
      if (trimNext) {
        text = text.stripLeading();
      } else if (dropNewline && text.startsWith("\n")) {
        text = text.substring(1);
      }
      if (open == source.length()) {
        emitText(text);
        break;
      }
      char kind = source.charAt(open + 1);
      char modifier = open + 2 < source.length() ? source.charAt(open + 2) : ' ';
      if (modifier == '-') {
        text = text.stripTrailing();
      } else if (kind != '{' && modifier != '+') {
        text = stripLineStart(text, open);
      }
      emitText(text);
      at = open + (modifier == '-' || modifier == '+' ? 3 : 2);
      char end;
      if (kind == '#') {
        int close = source.indexOf("#}", at);
        if (close < 0) {
          throw new TemplateException("a comment is not closed");
        }
        end = close > at ? source.charAt(close - 1) : ' ';
        at = close + 2;
      } else {
        end = tag(kind == '%');
      }
      trimNext = end == '-';
      dropNewline = kind != '{' && end != '+';
    }
    tokens.add(new Token(Kind.END, ""));
  }

  private int nextTag(int from) {
    for (int i = from; i + 1 < source.length(); i++) {
      if (source.charAt(i) == '{' && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return source.length();
  }

  /** Drops spaces before a block when nothing else stands on its line. */
  private String stripLineStart(String text, int open) {
    int line = open;
    while (line > 0 && (source.charAt(line - 1) == ' ' || source.charAt(line - 1) == '\t')) {
      line--;
    }
    boolean lineStart = line == 0 || source.charAt(line - 1) == '\n';
    int keep = text.length() - (open - line);
    return lineStart && keep >= 0 ? text.substring(0, keep) : text;
  }

  private void emitText(String text) {
    if (!text.isEmpty()) {
      tokens.add(new Token(Kind.TEXT, text));
    }
  }

  /** Reads the inside of a tag; returns the modifier before its end, or a space. */
  private char tag(boolean block) {
    tokens.add(new Token(block ? Kind.BLOCK_START : Kind.PRINT_START, ""));
    String close = block ? "%}" : "}}";
    int depth = 0; // of braces: {{ {'a': {}} }} ends at the last pair
    while (at < source.length()) {
      char c = source.charAt(at);
      if (Character.isWhitespace(c)) {
        at++;
        continue;
      }
      char modifier = (c == '-' || c == '+') && source.startsWith(close, at + 1) ? c : ' ';
      if (depth == 0 && (modifier != ' ' || source.startsWith(close, at))) {
        at += close.length() + (modifier != ' ' ? 1 : 0);
        tokens.add(new Token(block ? Kind.BLOCK_END : Kind.PRINT_END, ""));
        return modifier;
      }
      if (c == '{') {
        depth++;
      } else if (c == '}') {
        depth--;
      }
      tokens.add(inside(c));
    }
    throw new TemplateException("a tag is not closed");
  }

  private Token inside(char c) {
    int start = at;
    if (c == '\'' || c == '"') {
      return new Token(Kind.STRING, string(c));
    }
    if (Character.isLetter(c) || c == '_') {
      while (at < source.length()
          && (Character.isLetterOrDigit(source.charAt(at)) || source.charAt(at) == '_')) {
        at++;
      }
      return new Token(Kind.NAME, source.substring(start, at));
    }
    if (c >= '0' && c <= '9') {
      while (at < source.length() && Character.isDigit(source.charAt(at))) {
        at++;
      }
      return new Token(Kind.NUMBER, source.substring(start, at));
    }
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        at += operator.length();
        return new Token(Kind.OPERATOR, operator);
      }
    }
    throw new TemplateException("unexpected character '" + c + "'");
  }

  private String string(char quote) {
    StringBuilder text = new StringBuilder();
    for (at++; at < source.length(); at++) {
      char c = source.charAt(at);
      if (c == quote) {
        at++;
        return text.toString();
      }
      if (c == '\\' && at + 1 < source.length()) {
        text.append(unescape());
      } else {
        text.append(c);
      }
    }
    throw new TemplateException("a string is not closed");
  }

  private String unescape() {
    char c = source.charAt(++at);
    switch (c) {
      case 'n':
        return "\n";
      case 't':
        return "\t";
      case 'r':
        return "\r";
      case 'u':
        if (at + 4 < source.length()) {
          String hex = source.substring(at + 1, at + 5);
          try {
            char unit = (char) Integer.parseInt(hex, 16);
            at += 4;
            return String.valueOf(unit);
          } catch (NumberFormatException e) {
            throw new TemplateException("\\u" + hex + " is no character");
          }
        }
        return "\\u";
      case '\\':
      case '\'':
      case '"':
        return String.valueOf(c);
      default:
        return "\\" + c;
    }
  }
}

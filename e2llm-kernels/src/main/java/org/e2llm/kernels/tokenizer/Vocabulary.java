package org.e2llm.kernels.tokenizer;

import java.util.List;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.InvalidRequestException;
import org.e2llm.ModelFormatException;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.kernels.gguf.StringArray;

/**
 * The tokens of a model and what each is for, read from the keys {@code tokenizer.ggml.*}.
 * Immutable.
 *
 * <p>Control tokens that the file types otherwise, such as an {@code <|im_end|>} of type
 * user-defined, are taken for what they are, as the reference engine does.
 */
final class Vocabulary {
  static final String TOKENS = "tokenizer.ggml.tokens";
  static final String TYPES = "tokenizer.ggml.token_type";
  private static final Logger LOG = Logger.getLogger(Vocabulary.class.getName());

  /** Sixty times the largest vocabulary in use. */
  private static final int MAX_TOKENS = 1 << 24;

  private final ByteStrings texts;
  private final byte[] types;
  private final int bos;
  private final int eos;
  private final int unknown;
  private final boolean stripsAfterSpecial;
  private final EndOfGeneration endOfGeneration;

  private Vocabulary(
      ByteStrings texts, byte[] types, GgufMetadata metadata, int bos, int eos, int unknown) {
    this.texts = texts;
    this.types = types;
    this.bos = specialId(metadata, "bos", texts.size(), bos);
    this.eos = specialId(metadata, "eos", texts.size(), eos);
    this.unknown = specialId(metadata, "unknown", texts.size(), unknown);
    String name = metadata.string("general.name", "").toLowerCase(Locale.ROOT);
    stripsAfterSpecial = name.contains("phi-3") || name.contains("phi3");
    endOfGeneration = EndOfGeneration.of(this, metadata);
    for (int id : endOfGeneration.controls()) {
      if (type(id) != TokenType.CONTROL) {
        LOG.log(
            Level.FINE,
            "token {0} {1} is of type {2}, taken as control",
            new Object[] {id, text(id), type(id)});
        types[id] = (byte) TokenType.CONTROL.ordinal();
      }
    }
  }

  /**
   * Reads and checks the vocabulary; {@code bos}, {@code eos} and {@code unknown} are the ids where
   * the file names none, -1 for none, and do not count where they are beyond the vocabulary.
   *
   * @throws ModelFormatException naming the key that is wrong
   */
  static Vocabulary read(GgufMetadata metadata, int bos, int eos, int unknown) {
    StringArray tokens = metadata.strings(TOKENS);
    if (tokens.isEmpty() || tokens.size() > MAX_TOKENS) {
      throw new ModelFormatException(
          TOKENS + " has " + tokens.size() + " tokens, expected 1 to " + MAX_TOKENS);
    }
    ByteStrings texts = new ByteStrings(tokens.size());
    for (int id = 0; id < tokens.size(); id++) {
      byte[] text = tokens.bytes(id);
      if (text.length == 0) {
        // The reference engine's name for it: no text can ever become this token.
        text = Utf8.encode("[EMPTY_" + id + "]");
      }
      int first = texts.add(text, 0, text.length);
      if (first != id) {
        throw new ModelFormatException(
            TOKENS + "[" + id + "] is the same as [" + first + "], \"" + tokens.get(id) + "\"");
      }
    }
    return new Vocabulary(texts, readTypes(metadata, tokens.size()), metadata, bos, eos, unknown);
  }

  /** Throws unless the array of {@code key} has one element per token. */
  static void requireLength(String key, int length, int tokens) {
    if (length != tokens) {
      throw new ModelFormatException(
          key + " has " + length + " elements, but " + TOKENS + " has " + tokens);
    }
  }

  /**
   * A token id of the file, checked; {@code fallback} where the key is absent, -1 where that is
   * beyond the vocabulary or the file says -1.
   */
  static int specialId(GgufMetadata metadata, String name, int tokens, int fallback) {
    String key = "tokenizer.ggml." + name + "_token_id";
    if (!metadata.has(key)) {
      return fallback < tokens ? fallback : -1;
    }
    long id = metadata.longInteger(key);
    if (id == -1 || id == 0xFFFFFFFFL) {
      return -1;
    }
    if (id < 0 || id >= tokens) {
      throw new ModelFormatException(
          key + " is " + id + ", beyond the " + tokens + " tokens of " + TOKENS);
    }
    return (int) id;
  }

  private static byte[] readTypes(GgufMetadata metadata, int tokens) {
    byte[] types = new byte[tokens];
    if (!metadata.has(TYPES)) {
      java.util.Arrays.fill(types, (byte) TokenType.NORMAL.ordinal());
      return types;
    }
    int[] codes = metadata.integers(TYPES);
    requireLength(TYPES, codes.length, tokens);
    for (int id = 0; id < tokens; id++) {
      if (codes[id] < 0 || codes[id] >= TokenType.count()) {
        throw new ModelFormatException(
            TYPES + "[" + id + "] is " + codes[id] + ", expected 0 to " + (TokenType.count() - 1));
      }
      types[id] = (byte) codes[id];
    }
    return types;
  }

  int size() {
    return texts.size();
  }

  int bos() {
    return bos;
  }

  int eos() {
    return eos;
  }

  /** The token for what has no other, or -1. */
  int unknown() {
    return unknown;
  }

  List<Integer> endOfGeneration() {
    return endOfGeneration.ids();
  }

  /** Throws where {@code token} is no id of this vocabulary. */
  void check(int token) {
    if (token < 0 || token >= size()) {
      throw new InvalidRequestException(
          "token id " + token + " is beyond the vocabulary of " + size() + " tokens");
    }
  }

  TokenType type(int token) {
    return TokenType.of(types[token]);
  }

  /** The token as the vocabulary writes it, UTF-8; a copy. */
  byte[] utf8(int token) {
    return texts.get(token);
  }

  String text(int token) {
    return new String(texts.get(token), java.nio.charset.StandardCharsets.UTF_8);
  }

  /** All texts, numbered by token id. */
  ByteStrings texts() {
    return texts;
  }

  /** Id of the token that is written {@code text}, of whatever type, or -1. */
  int find(String text) {
    byte[] utf8 = Utf8.encode(text);
    return texts.find(utf8, 0, utf8.length);
  }

  /**
   * Id of the token that the plain text {@code source[from, to)} may become, or -1. Never a control
   * token: what a user wrote must not turn into one by way of merges.
   */
  int findPlain(byte[] source, int from, int to) {
    int id = texts.find(source, from, to);
    return id >= 0 && (type(id).isGuarded() || type(id) == TokenType.BYTE) ? -1 : id;
  }

  /**
   * Whether white space after this special token is dropped: a property of Phi-3's tokens that GGUF
   * has no key for; the reference engine goes by the model's name.
   */
  boolean stripsAfter(int token) {
    if (!stripsAfterSpecial) {
      return false;
    }
    String text = text(token);
    return !text.equals("<unk>") && !text.equals("<s>") && !text.equals("<|endoftext|>");
  }
}

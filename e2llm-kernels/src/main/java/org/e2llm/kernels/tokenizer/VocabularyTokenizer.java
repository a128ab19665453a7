package org.e2llm.kernels.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.e2llm.text.TextSegment;
import org.e2llm.text.Tokenizer;

/** What all tokenizers share: special tokens, BOS and EOS, and the way back to text. */
final class VocabularyTokenizer implements Tokenizer {
  private static final byte[] NOTHING = new byte[0];

  private final Vocabulary vocabulary;
  private final SpecialTokens specialTokens;
  private final TokenCodec codec;
  private final boolean addsBos;
  private final boolean addsEos;

  /** What {@link #bytes} has given before. */
  private final AtomicReferenceArray<byte[]> bytes;

  VocabularyTokenizer(Vocabulary vocabulary, TokenCodec codec, boolean addsBos, boolean addsEos) {
    this.vocabulary = vocabulary;
    this.codec = codec;
    this.addsBos = addsBos;
    this.addsEos = addsEos;
    specialTokens = new SpecialTokens(vocabulary);
    bytes = new AtomicReferenceArray<>(vocabulary.size());
  }

  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  @Override
  public int bos() {
    return vocabulary.bos();
  }

  @Override
  public int eos() {
    return vocabulary.eos();
  }

  @Override
  public boolean addsBos() {
    return addsBos;
  }

  @Override
  public List<Integer> endOfGeneration() {
    return vocabulary.endOfGeneration();
  }

  @Override
  public int[] encode(List<TextSegment> segments, boolean addSpecial) {
    StringBuilder joined = new StringBuilder();
    for (TextSegment segment : segments) {
      joined.append(segment.text());
    }
    byte[] text = Utf8.encode(joined);
    IntList tokens = new IntList(text.length / 3);
    if (addSpecial && addsBos) {
      tokens.add(vocabulary.bos());
    }
    specialTokens.cut(text, plain(segments, joined), new Collector(text, tokens));
    if (addSpecial && addsEos) {
      tokens.add(vocabulary.eos());
    }
    return tokens.toArray();
  }

  /** The bytes of the joined text that are in segments without special tokens. */
  private static BitSet plain(List<TextSegment> segments, CharSequence joined) {
    BitSet plain = new BitSet();
    int chars = 0;
    int from = 0;
    for (TextSegment segment : segments) {
      int to = from + Utf8.length(joined, chars, chars + segment.text().length());
      if (!segment.parseSpecial()) {
        plain.set(from, to);
      }
      chars += segment.text().length();
      from = to;
    }
    return plain;
  }

  /** Tokenises the pieces of a text one after the other. */
  private final class Collector implements SpecialTokens.Sink {
    private final byte[] text;
    private final IntList tokens;
    private boolean first = true;

    Collector(byte[] text, IntList tokens) {
      this.text = text;
      this.tokens = tokens;
    }

    @Override
    public void text(int from, int to) {
      codec.encode(text, from, to, first, tokens);
      first = false;
    }

    @Override
    public void token(int id) {
      tokens.add(id);
      first = true;
    }
  }

  @Override
  public byte[] bytes(int token) {
    vocabulary.check(token);
    byte[] known = bytes.get(token);
    if (known == null) {
      known =
          switch (vocabulary.type(token)) {
            case NORMAL, BYTE -> codec.bytes(token);
            case USER_DEFINED -> vocabulary.utf8(token);
            case UNDEFINED, UNKNOWN, CONTROL, UNUSED -> NOTHING;
          };
      bytes.set(token, known);
    }
    return known;
  }

  @Override
  public String piece(int token) {
    vocabulary.check(token);
    return vocabulary.text(token);
  }

  @Override
  public boolean isControl(int token) {
    vocabulary.check(token);
    return vocabulary.type(token) == TokenType.CONTROL;
  }

  @Override
  public String decode(int[] tokens, boolean special) {
    ByteArrayOutputStream text = new ByteArrayOutputStream(4 * tokens.length);
    // Encoding puts a space before a text at the start and after a special token: undone here.
    boolean first = true;
    for (int token : tokens) {
      byte[] bytes = bytes(token);
      if (vocabulary.type(token).isSpecial()) {
        byte[] written =
            special && vocabulary.type(token).isGuarded() ? vocabulary.utf8(token) : bytes;
        text.write(written, 0, written.length);
        first = true;
      } else if (bytes.length > 0) {
        int skip = first && codec.addsSpace() && bytes[0] == ' ' ? 1 : 0;
        text.write(bytes, skip, bytes.length - skip);
        first = false;
      }
    }
    return new String(text.toByteArray(), StandardCharsets.UTF_8);
  }
}

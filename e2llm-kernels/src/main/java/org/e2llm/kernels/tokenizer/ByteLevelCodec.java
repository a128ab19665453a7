package org.e2llm.kernels.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * Byte-level BPE: the text is cut into words by a {@link PreTokenizer}, the bytes of each word
 * merge by a {@link MergeTable}. Bytes are written in the {@link ByteAlphabet}.
 */
final class ByteLevelCodec implements TokenCodec {
  private final Vocabulary vocabulary;
  private final PreTokenizer preTokenizer;
  private final MergeTable merges;
  private final @Nullable JtokkitMerger jtokkit;

  /** {@code jtokkit} is used for all but long words where it is not null. */
  ByteLevelCodec(
      Vocabulary vocabulary,
      PreTokenizer preTokenizer,
      MergeTable merges,
      @Nullable JtokkitMerger jtokkit) {
    this.vocabulary = vocabulary;
    this.preTokenizer = preTokenizer;
    this.merges = merges;
    this.jtokkit = jtokkit;
  }

  @Override
  public boolean addsSpace() {
    return false;
  }

  @Override
  public void encode(byte[] text, int from, int to, boolean first, IntList tokens) {
    CodePoints points = new CodePoints(text, from, to);
    IntList ends = preTokenizer.split(points);
    MergeLoop loop = new MergeLoop(merges);
    IntList symbols = new IntList(64);
    byte[] written = new byte[256];
    int start = from;
    for (int i = 0; i < ends.size(); i++) {
      int end = points.start(ends.get(i));
      int token = -1;
      if (preTokenizer.wholeWords()) {
        if (2 * (end - start) > written.length) {
          written = new byte[2 * (end - start)];
        }
        token = vocabulary.findPlain(written, 0, ByteAlphabet.write(text, start, end, written));
      }
      if (token >= 0) {
        tokens.add(token);
      } else if (jtokkit != null && end - start <= JtokkitMerger.LONGEST_WORD) {
        jtokkit.merge(text, start, end, tokens);
      } else {
        symbols.clear();
        loop.merge(text, start, end, symbols);
        for (int s = 0; s < symbols.size(); s++) {
          merges.emit(symbols.get(s), tokens);
        }
      }
      start = end;
    }
  }

  @Override
  public byte[] bytes(int token) {
    byte[] text = vocabulary.utf8(token);
    if (vocabulary.type(token) == TokenType.BYTE) {
      int value = ByteToken.value(text);
      return value < 0 ? text : new byte[] {(byte) value};
    }
    return ByteAlphabet.read(text);
  }
}

package org.e2llm.kernels.tokenizer;

import org.e2llm.ModelFormatException;
import org.e2llm.kernels.gguf.GgufMetadata;

/**
 * SentencePiece-style BPE: two neighbouring pieces whose text is a token may merge, the token of
 * the highest score first, the leftmost of these. Spaces are written U+2581. A character that is no
 * token becomes its bytes' tokens.
 *
 * <p>Source: Kudo and Richardson 2018, arXiv 1808.06226; SentencePiece {@code bpe_model.cc}.
 */
final class SentencePieceCodec implements TokenCodec {
  static final String SCORES = "tokenizer.ggml.scores";
  private static final int GONE = -1;

  private final Vocabulary vocabulary;
  private final boolean addsSpace;
  private final boolean removesExtraSpaces;

  /** Place of each token in the order of falling scores; equal scores share one. */
  private final int[] ranks;

  /** Token of each byte, or -1. */
  private final int[] byteTokens = new int[256];

  private final int longestToken;

  SentencePieceCodec(GgufMetadata metadata, Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
    addsSpace = metadata.bool("tokenizer.ggml.add_space_prefix", true);
    removesExtraSpaces = metadata.bool("tokenizer.ggml.remove_extra_whitespaces", false);
    ranks = ranks(metadata, vocabulary.size());
    int longest = 0;
    for (int id = 0; id < vocabulary.size(); id++) {
      longest = Math.max(longest, vocabulary.texts().length(id));
    }
    longestToken = longest;
    for (int b = 0; b < 256; b++) {
      byteTokens[b] = byteToken(vocabulary, b);
    }
  }

  private static int[] ranks(GgufMetadata metadata, int tokens) {
    float[] scores = metadata.numbers(SCORES);
    Vocabulary.requireLength(SCORES, scores.length, tokens);
    int[] ranks = new int[tokens];
    for (int id = 0; id < tokens; id++) {
      if (Float.isNaN(scores[id])) {
        throw new ModelFormatException(SCORES + "[" + id + "] is NaN, expected a number");
      }
      // Bits that order as the floats do, the highest first; adding zero makes -0 equal 0.
      int bits = Float.floatToIntBits(scores[id] + 0.0f);
      ranks[id] = bits < 0 ? bits & Integer.MAX_VALUE : ~bits;
    }
    return ranks;
  }

  private static int byteToken(Vocabulary vocabulary, int b) {
    int token = vocabulary.find(ByteToken.text(b));
    if (token < 0) {
      token = vocabulary.findPlain(new byte[] {(byte) b}, 0, 1);
    }
    return token >= 0 ? token : vocabulary.unknown();
  }

  @Override
  public boolean addsSpace() {
    return addsSpace;
  }

  @Override
  public void encode(byte[] text, int from, int to, boolean first, IntList tokens) {
    byte[] escaped = escape(text, from, to, first && addsSpace);
    new Merge(escaped).run(tokens);
  }

  /** The text with every space as U+2581, and one more in front where {@code space}. */
  private byte[] escape(byte[] text, int from, int to, boolean space) {
    int spaces = space ? 1 : 0;
    for (int i = from; i < to; i++) {
      spaces += text[i] == ' ' ? 1 : 0;
    }
    byte[] result = new byte[to - from + 2 * spaces + (space ? 1 : 0)];
    int length = space ? appendSpace(result, 0) : 0;
    boolean afterSpace = removesExtraSpaces;
    for (int i = from; i < to; i++) {
      if (text[i] != ' ') {
        result[length++] = text[i];
        afterSpace = false;
      } else if (!afterSpace) {
        length = appendSpace(result, length);
        afterSpace = removesExtraSpaces;
      }
    }
    if (removesExtraSpaces && afterSpace && length >= Utf8.SPACE_MARK.length) {
      length -= Utf8.SPACE_MARK.length;
    }
    return java.util.Arrays.copyOf(result, length);
  }

  private static int appendSpace(byte[] target, int at) {
    System.arraycopy(Utf8.SPACE_MARK, 0, target, at, Utf8.SPACE_MARK.length);
    return at + Utf8.SPACE_MARK.length;
  }

  @Override
  public byte[] bytes(int token) {
    byte[] text = vocabulary.utf8(token);
    if (vocabulary.type(token) == TokenType.BYTE) {
      int value = ByteToken.value(text);
      return value < 0 ? text : new byte[] {(byte) value};
    }
    int length = 0;
    for (int i = 0; i < text.length; ) {
      if (isSpaceMark(text, i)) {
        text[length++] = ' ';
        i += Utf8.SPACE_MARK.length;
      } else {
        text[length++] = text[i++];
      }
    }
    return java.util.Arrays.copyOf(text, length);
  }

  private static boolean isSpaceMark(byte[] text, int at) {
    return at + 2 < text.length
        && text[at] == Utf8.SPACE_MARK[0]
        && text[at + 1] == Utf8.SPACE_MARK[1]
        && text[at + 2] == Utf8.SPACE_MARK[2];
  }

  /** The merging of one text: its pieces as a linked list, the possible merges in a queue. */
  private final class Merge {
    private final byte[] text;

    /** Pieces start as one character each; a length of 0 is one that was merged away. */
    private final int[] start;

    private final int[] length;
    private final int[] before;
    private final int[] after;
    private final MergeQueue queue = new MergeQueue();

    Merge(byte[] text) {
      this.text = text;
      int pieces = 0;
      for (int i = 0; i < text.length; i += Utf8.length(text[i])) {
        pieces++;
      }
      start = new int[pieces];
      length = new int[pieces];
      before = new int[pieces];
      after = new int[pieces];
      int at = 0;
      for (int i = 0; i < pieces; i++) {
        start[i] = at;
        length[i] = Math.min(Utf8.length(text[at]), text.length - at);
        before[i] = i - 1;
        after[i] = i + 1 < pieces ? i + 1 : GONE;
        at += length[i];
      }
    }

    void run(IntList tokens) {
      for (int i = 0; i + 1 < start.length; i++) {
        offer(i, i + 1);
      }
      while (!queue.isEmpty()) {
        int left = MergeQueue.place(queue.firstOrder());
        long size = queue.firstPair();
        queue.removeFirst();
        int right = after[left];
        // Pieces only grow, so a sum that still fits means that neither has changed.
        if (length[left] == 0 || right == GONE || length[left] + length[right] != size) {
          continue;
        }
        length[left] += length[right];
        length[right] = 0;
        after[left] = after[right];
        if (after[left] != GONE) {
          before[after[left]] = left;
          offer(left, after[left]);
        }
        if (before[left] != GONE) {
          offer(before[left], left);
        }
      }
      for (int i = 0; i < start.length && i != GONE; i = after[i]) {
        emit(i, tokens);
      }
    }

    private void offer(int left, int right) {
      int size = length[left] + length[right];
      if (size > longestToken) {
        return;
      }
      int token = vocabulary.findPlain(text, start[left], start[left] + size);
      if (token >= 0) {
        queue.add(MergeQueue.order(ranks[token], left), size);
      }
    }

    private void emit(int piece, IntList tokens) {
      int end = start[piece] + length[piece];
      int token = vocabulary.findPlain(text, start[piece], end);
      if (token >= 0) {
        tokens.add(token);
        return;
      }
      for (int i = start[piece]; i < end; i++) {
        int byteToken = byteTokens[text[i] & 0xFF];
        if (byteToken >= 0) {
          tokens.add(byteToken);
        }
      }
    }
  }
}

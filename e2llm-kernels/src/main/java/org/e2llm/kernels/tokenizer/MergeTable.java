package org.e2llm.kernels.tokenizer;

import org.e2llm.ModelFormatException;
import org.e2llm.kernels.gguf.GgufMetadata;
import org.e2llm.kernels.gguf.StringArray;

/**
 * The merges of a byte-level vocabulary: which two symbols become which one, and in what order. A
 * symbol is a token, or a text that takes part in merges without being one; those have numbers from
 * the vocabulary's size on. Immutable once built.
 */
final class MergeTable {
  static final String MERGES = "tokenizer.ggml.merges";

  private final Vocabulary vocabulary;
  private final ByteStrings others = new ByteStrings(256);

  /** Symbol of each byte. */
  private final int[] byteSymbols = new int[256];

  /** Open-addressed: left symbol × 2^32 + right symbol + 1, 0 where free; and the merge's rank. */
  private final long[] pairs;

  private final int[] ranks;

  /** Symbol that the merge of each rank makes, -1 for one that repeats an earlier pair. */
  private final int[] results;

  private MergeTable(Vocabulary vocabulary, int merges) {
    this.vocabulary = vocabulary;
    int capacity = ByteStrings.powerOfTwo(merges + merges / 2L);
    pairs = new long[capacity];
    ranks = new int[capacity];
    results = new int[merges];
    byte[] character = new byte[2];
    for (int b = 0; b < 256; b++) {
      int length = ByteAlphabet.write(new byte[] {(byte) b}, 0, 1, character);
      byteSymbols[b] = symbol(character, 0, length);
    }
  }

  /**
   * Reads {@code tokenizer.ggml.merges}: left, space, right, the first of them applied first.
   *
   * @throws ModelFormatException where an entry is no pair
   */
  static MergeTable read(GgufMetadata metadata, Vocabulary vocabulary) {
    StringArray merges = metadata.strings(MERGES);
    if (merges.size() > 1 << 26) {
      throw new ModelFormatException(
          MERGES + " has " + merges.size() + " merges, the limit is " + (1 << 26));
    }
    MergeTable table = new MergeTable(vocabulary, merges.size());
    for (int rank = 0; rank < table.results.length; rank++) {
      byte[] merge = merges.bytes(rank);
      int space = 1;
      while (space < merge.length && merge[space] != ' ') {
        space++;
      }
      if (space >= merge.length - 1) {
        throw new ModelFormatException(
            MERGES + "[" + rank + "] is \"" + merges.get(rank) + "\", expected two tokens");
      }
      int left = table.symbol(merge, 0, space);
      int right = table.symbol(merge, space + 1, merge.length);
      System.arraycopy(merge, space + 1, merge, space, merge.length - space - 1);
      table.results[rank] =
          table.put(left, right, rank) ? table.symbol(merge, 0, merge.length - 1) : -1;
    }
    return table;
  }

  int size() {
    return results.length;
  }

  /** Tokens and other symbols together. */
  int symbols() {
    return vocabulary.size() + others.size();
  }

  int byteSymbol(byte b) {
    return byteSymbols[b & 0xFF];
  }

  boolean isToken(int symbol) {
    return symbol < vocabulary.size();
  }

  /** Rank of the merge of two symbols, or -1. */
  int rank(int left, int right) {
    long pair = pair(left, right);
    int mask = pairs.length - 1;
    int slot = (int) ByteStrings.hash(pair) & mask;
    while (pairs[slot] != 0) {
      if (pairs[slot] == pair) {
        return ranks[slot];
      }
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  /** The symbol that merge {@code rank} makes, or -1 where the merge repeats an earlier one. */
  int result(int rank) {
    return results[rank];
  }

  /** The bytes that {@code symbol} stands for. */
  byte[] bytes(int symbol) {
    return ByteAlphabet.read(
        isToken(symbol) ? vocabulary.utf8(symbol) : others.get(symbol - vocabulary.size()));
  }

  /**
   * Adds the token of {@code symbol}. One that is no token is given up for those of its characters
   * that are ASCII and tokens; the others have none and are dropped, as the reference engine does.
   */
  void emit(int symbol, IntList tokens) {
    if (isToken(symbol)) {
      tokens.add(symbol);
      return;
    }
    byte[] text = others.get(symbol - vocabulary.size());
    for (int i = 0; i < text.length; i++) {
      int token = text[i] < 0 ? -1 : vocabulary.findPlain(text, i, i + 1);
      if (token >= 0) {
        tokens.add(token);
      }
    }
  }

  private int symbol(byte[] text, int from, int to) {
    int token = vocabulary.findPlain(text, from, to);
    return token >= 0 ? token : vocabulary.size() + others.add(text, from, to);
  }

  /** False where the pair is there already. */
  private boolean put(int left, int right, int rank) {
    long pair = pair(left, right);
    int mask = pairs.length - 1;
    int slot = (int) ByteStrings.hash(pair) & mask;
    while (pairs[slot] != 0) {
      if (pairs[slot] == pair) {
        return false;
      }
      slot = (slot + 1) & mask;
    }
    pairs[slot] = pair;
    ranks[slot] = rank;
    return true;
  }

  private static long pair(int left, int right) {
    return ((long) left << 32) + right + 1;
  }
}

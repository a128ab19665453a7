package org.e2llm.kernels.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;

/**
 * Finds the special tokens in a text and cuts it there. Longer tokens first, wherever they are; the
 * same token from left to right.
 *
 * <p>Takes O(n log k) for a text of n bytes and k special tokens plus the time to sort the places
 * found, not the n × k of trying each token.
 */
final class SpecialTokens {
  private static final int NONE = -1;

  private final Vocabulary vocabulary;

  /** Ids of the special tokens in order of their text. */
  private final int[] sorted;

  /** {@code sorted[firstByte[b], firstByte[b + 1])} are those that start with byte b. */
  private final int[] firstByte = new int[257];

  SpecialTokens(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
    ByteStrings texts = vocabulary.texts();
    sorted =
        IntStream.range(0, vocabulary.size())
            .filter(id -> vocabulary.type(id).isSpecial())
            .boxed()
            .sorted(texts::compare)
            .mapToInt(Integer::intValue)
            .toArray();
    for (int id : sorted) {
      firstByte[texts.byteAt(id, 0) + 1]++;
    }
    Arrays.parallelPrefix(firstByte, Integer::sum);
  }

  /** Takes the pieces of a text in order. */
  interface Sink {
    void text(int from, int to);

    void token(int id);
  }

  /**
   * Cuts {@code text} and hands the pieces to {@code sink}. Control tokens are not seen where they
   * touch a byte of {@code plain}; user-defined tokens are seen everywhere.
   */
  void cut(byte[] text, BitSet plain, Sink sink) {
    IntList[] places = places(text, plain);
    BitSet taken = new BitSet();
    IntList starts = new IntList(0);
    int[] tokenAt = new int[0];
    for (int length = places.length - 1; length > 0; length--) {
      IntList found = places[length];
      if (found == null) {
        continue;
      }
      found.sort();
      if (tokenAt.length == 0) {
        tokenAt = new int[text.length];
      }
      for (int i = 0; i < found.size(); i++) {
        int at = found.get(i);
        int free = taken.nextSetBit(at);
        if (free < 0 || free >= at + length) {
          int id = longest(text, at, length, plain);
          tokenAt[at] = id;
          starts.add(at);
          taken.set(at, afterToken(text, at + length, id, taken));
        } else if (free > at) {
          int id = longest(text, at, free - at, plain);
          if (id != NONE) {
            add(places, vocabulary.texts().length(id), at);
          }
        }
      }
    }
    starts.sort();
    int next = 0;
    for (int at = 0; at < text.length; ) {
      int end = taken.nextSetBit(at);
      end = end < 0 ? text.length : end;
      if (end > at) {
        sink.text(at, end);
      }
      int free = taken.nextClearBit(end);
      for (; next < starts.size() && starts.get(next) < free; next++) {
        sink.token(tokenAt[starts.get(next)]);
      }
      at = Math.max(end, free);
    }
  }

  /** Where the longest special token at each place starts, by its length. */
  private IntList[] places(byte[] text, BitSet plain) {
    IntList[] places = new IntList[1];
    for (int at = 0; at < text.length; at++) {
      int b = text[at] & 0xFF;
      if (firstByte[b] == firstByte[b + 1]) {
        continue;
      }
      int id = longest(text, at, text.length - at, plain);
      if (id != NONE) {
        int length = vocabulary.texts().length(id);
        if (length >= places.length) {
          places = Arrays.copyOf(places, length + 1);
        }
        add(places, length, at);
      }
    }
    return places;
  }

  private static void add(IntList[] places, int length, int at) {
    if (places[length] == null) {
      places[length] = new IntList(8);
    }
    places[length].add(at);
  }

  /** The longest special token of at most {@code limit} bytes at {@code at}, or NONE. */
  private int longest(byte[] text, int at, int limit, BitSet plain) {
    ByteStrings texts = vocabulary.texts();
    int nextPlain = plain.nextSetBit(at);
    int low = firstByte[text[at] & 0xFF];
    int high = firstByte[(text[at] & 0xFF) + 1];
    int result = NONE;
    for (int length = 1; low < high; length++) {
      int first = sorted[low];
      if (texts.length(first) == length) {
        boolean guarded = vocabulary.type(first).isGuarded();
        if (!guarded || nextPlain < 0 || nextPlain >= at + length) {
          result = first;
        }
        low++;
      }
      if (length == limit) {
        break;
      }
      int b = text[at + length] & 0xFF;
      low = lowerBound(low, high, length, b);
      high = lowerBound(low, high, length, b + 1);
    }
    return result;
  }

  /** First of {@code sorted[low, high)} whose byte {@code offset} is {@code b} or more. */
  private int lowerBound(int low, int high, int offset, int b) {
    ByteStrings texts = vocabulary.texts();
    int from = low;
    int to = high;
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (texts.byteAt(sorted[middle], offset) < b) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  }

  private int afterToken(byte[] text, int end, int id, BitSet taken) {
    if (!vocabulary.stripsAfter(id)) {
      return end;
    }
    int after = end;
    while (after < text.length && isSpace(text[after]) && !taken.get(after)) {
      after++;
    }
    return after;
  }

  private static boolean isSpace(byte b) {
    return b == ' ' || (b >= '\t' && b <= '\r');
  }
}

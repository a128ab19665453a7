package org.e2llm.kernels.tokenizer;

import java.util.Arrays;

/**
 * Distinct byte strings, numbered in the order they came: the index from a token's text to its id.
 *
 * <p>One byte array holds them all and an open-addressed table of ids finds them, so that a
 * vocabulary of 262,144 tokens takes about 5 MB. The hash is seeded per process: a file cannot be
 * made whose strings all collide.
 */
final class ByteStrings {
  private static final long SEED = mix(System.nanoTime() ^ 0x9E3779B97F4A7C15L);

  private byte[] data;
  private int[] ends;
  private int size;
  private int[] table;

  ByteStrings(int expectedSize) {
    data = new byte[Math.max(16, 8 * expectedSize)];
    ends = new int[Math.max(4, expectedSize)];
    table = new int[powerOfTwo(2L * expectedSize)];
  }

  int size() {
    return size;
  }

  /** Number of the string {@code source[from, to)}, or -1. */
  int find(byte[] source, int from, int to) {
    return table[slot(source, from, to)] - 1;
  }

  /** Number of the string, which is added where it is new. */
  int add(byte[] source, int from, int to) {
    int slot = slot(source, from, to);
    if (table[slot] != 0) {
      return table[slot] - 1;
    }
    int start = size == 0 ? 0 : ends[size - 1];
    int length = to - from;
    if (data.length - start < length) {
      data = Arrays.copyOf(data, Math.max(start + length, data.length + (data.length >> 1)));
    }
    System.arraycopy(source, from, data, start, length);
    if (size == ends.length) {
      ends = Arrays.copyOf(ends, size + (size >> 1) + 1);
    }
    ends[size++] = start + length;
    table[slot] = size;
    if (2 * size > table.length) {
      rehash();
    }
    return size - 1;
  }

  /** A copy of string {@code index}. */
  byte[] get(int index) {
    return Arrays.copyOfRange(data, start(index), ends[index]);
  }

  int length(int index) {
    return ends[index] - start(index);
  }

  /** Byte {@code offset} of string {@code index}, 0 to 255. */
  int byteAt(int index, int offset) {
    return data[start(index) + offset] & 0xFF;
  }

  /** Order of strings {@code a} and {@code b} by unsigned bytes, a prefix before what goes on. */
  int compare(int a, int b) {
    return Arrays.compareUnsigned(data, start(a), ends[a], data, start(b), ends[b]);
  }

  private int start(int index) {
    return index == 0 ? 0 : ends[index - 1];
  }

  /** Where the string is in the table, or the free slot where it would be. */
  private int slot(byte[] source, int from, int to) {
    int mask = table.length - 1;
    int slot = (int) hash(source, from, to) & mask;
    while (table[slot] != 0) {
      int index = table[slot] - 1;
      if (Arrays.equals(data, start(index), ends[index], source, from, to)) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void rehash() {
    table = new int[powerOfTwo(2L * table.length)];
    int mask = table.length - 1;
    for (int index = 0; index < size; index++) {
      int slot = (int) hash(data, start(index), ends[index]) & mask;
      while (table[slot] != 0) {
        slot = (slot + 1) & mask;
      }
      table[slot] = index + 1;
    }
  }

  /** The smallest power of two that is at least {@code size}, from 16 to 2^30. */
  static int powerOfTwo(long size) {
    return size <= 16 ? 16 : (int) Math.min(1L << 30, Long.highestOneBit(size - 1) << 1);
  }

  private static long hash(byte[] source, int from, int to) {
    long hash = SEED;
    for (int i = from; i < to; i++) {
      hash = (hash ^ source[i]) * 0x9E3779B97F4A7C15L;
      hash ^= hash >>> 32;
    }
    return hash;
  }

  /** Hash of a number, seeded as that of the strings is. */
  static long hash(long value) {
    return mix(value ^ SEED);
  }

  /** The finaliser of MurmurHash3, 64 bits. */
  private static long mix(long value) {
    long v = (value ^ (value >>> 33)) * 0xFF51AFD7ED558CCDL;
    v = (v ^ (v >>> 33)) * 0xC4CEB9FE1A85EC53L;
    return v ^ (v >>> 33);
  }
}

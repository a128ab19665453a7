package org.e2llm.transport.slice;

import java.util.BitSet;

/**
 * What a fetch knows of a peer that holds leaves: which, what it was asked for, and how quick it
 * is. Pure; belongs to {@link SliceFetch}.
 *
 * <p>The window grows by one with a leaf that took less than {@link #QUICK}, and shrinks by one
 * with one that took longer than {@link #SLOW}: so it settles where a slow peer never owes more
 * than about a second's worth, and a quick one is never idle.
 */
final class Holder {
  private static final long QUICK = 200_000_000L;
  private static final long SLOW = 800_000_000L;
  private static final int FIRST_WINDOW = 4;

  final String peer;

  /** Tensors whose hashes it says it does not have. */
  final BitSet noHashes = new BitSet();

  BitSet holds;

  /** Leaves it owes, and since when; the first {@link #owed} count. */
  final int[] leaves;

  final long[] since;
  int owed;

  /** Tensors whose hashes it owes. */
  final BitSet hashes = new BitSet();

  private final int maxWindow;
  private int window;
  private long latency = QUICK;
  private long heard;
  private int failures;
  private long restsUntil;

  Holder(String peer, BitSet holds, int maxWindow, long now) {
    this.peer = peer;
    this.holds = holds;
    this.maxWindow = maxWindow;
    this.leaves = new int[maxWindow];
    this.since = new long[maxWindow];
    this.window = Math.min(FIRST_WINDOW, maxWindow);
    this.heard = now;
    this.restsUntil = now;
  }

  boolean rests(long now) {
    return now - restsUntil < 0;
  }

  boolean hasRoom() {
    return owed < window;
  }

  /** Smoothed time between request and leaf, nanoseconds. */
  long latency() {
    return latency;
  }

  /** Where the leaf stands among those it owes, or -1. */
  int find(int leaf) {
    for (int i = 0; i < owed; i++) {
      if (leaves[i] == leaf) {
        return i;
      }
    }
    return -1;
  }

  void asked(int leaf, long now) {
    wakes(now);
    leaves[owed] = leaf;
    since[owed] = now;
    owed++;
  }

  void askedHashes(int tensor, long now) {
    wakes(now);
    hashes.set(tensor);
  }

  /** It cannot be late with what it was not asked for. */
  private void wakes(long now) {
    if (owed == 0 && hashes.isEmpty()) {
      heard = now;
    }
  }

  /** Something it owed has come. */
  void heard(long now) {
    heard = now;
    failures = 0;
  }

  /** A leaf has come that it owed. */
  void arrived(int at, long now) {
    long took = now - since[at];
    latency += (took - latency) / 4;
    if (took < QUICK && window < maxWindow) {
      window++;
    } else if (took > SLOW && window > 1) {
      window--;
    }
    remove(at);
    heard(now);
  }

  void remove(int at) {
    owed--;
    leaves[at] = leaves[owed];
    since[at] = since[owed];
  }

  /** It owes something and is silent, or one leaf never came while others did. */
  boolean isLate(long now, long timeout) {
    boolean silent = (owed > 0 || !hashes.isEmpty()) && now - heard > timeout;
    for (int i = 0; i < owed && !silent; i++) {
      silent = now - since[i] > 4 * timeout;
    }
    return silent;
  }

  /** Leaves it alone for a while, longer each time. */
  void failed(long now, long timeout) {
    owed = 0;
    hashes.clear();
    window = 1;
    failures++;
    restsUntil = now + timeout * Math.min(1 << Math.min(failures - 1, 10), 6);
  }
}

package org.e2llm.transport.slice;

import java.nio.Buffer;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.slice.SliceFrames.Kind;
import org.jspecify.annotations.Nullable;

/**
 * One connection of lane BULK, with what is asked for over it in both directions. A request is a
 * kind and an index in one number ({@link #key}).
 */
final class Link {
  private static final Kind[] KINDS = Kind.values();
  private static final Buffers HEADS = new Buffers(SliceFrames.HEAD_BYTES, 256, false);

  final Connection connection;

  /** What it said it has; belongs to the thread that fetches. */
  SliceFrames.@Nullable Have have;

  /** What it is waiting for; belongs to {@link SliceServer}. */
  final long[] waiting = new long[SliceFrames.MAX_REQUESTS];

  int firstWaiting;
  int waitingCount;

  /** Buffers on their way to it; belongs to {@link SliceServer}. */
  int lent;

  /** Run for each of those when it is back; belongs to {@link SliceServer}. */
  Runnable returned = () -> {};

  /** What it owes us; guarded by itself, the first {@link #owed} count. */
  private final long[] owes = new long[2 * SliceFrames.MAX_REQUESTS];

  private int owed;

  Link(Connection connection) {
    this.connection = connection;
  }

  String peer() {
    return connection.peer();
  }

  static long key(Kind kind, int index) {
    return (long) kind.ordinal() << 32 | index;
  }

  static Kind kind(long key) {
    return KINDS[(int) (key >> 32)];
  }

  static int index(long key) {
    return (int) key;
  }

  /** Asks for a piece, and remembers that it did. */
  void ask(Kind kind, int index) {
    synchronized (owes) {
      int at = find(key(kind, index));
      if (at == owes.length) {
        return; // Never with the windows of SliceFetch; its timeout would mend it.
      }
      owes[at] = key(kind, index);
      owed = Math.max(owed, at + 1);
    }
    send(SliceFrames.GET, key(kind, index));
  }

  /** What comes of it is not expected any more. */
  void cancel(Kind kind, int index) {
    if (settle(key(kind, index))) {
      send(SliceFrames.CANCEL, key(kind, index));
    }
  }

  /** Whether this was asked for, and is from now on no longer. */
  boolean settle(long key) {
    synchronized (owes) {
      int at = find(key);
      if (at == owed) {
        return false;
      }
      owes[at] = owes[--owed];
      return true;
    }
  }

  /** Where it stands, or {@link #owed}. */
  private int find(long key) {
    int at = 0;
    while (at < owed && owes[at] != key) {
      at++;
    }
    return at;
  }

  /** Sends a frame of a kind and an index. */
  void send(byte type, long key) {
    Buffers.Lent head = HEADS.take();
    head.bytes.put((byte) kind(key).ordinal()).putInt(index(key));
    ((Buffer) head.bytes).flip();
    if (!connection.send(type, head.bytes, head)) {
      head.run();
    }
  }
}

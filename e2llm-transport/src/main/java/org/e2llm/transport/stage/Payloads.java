package org.e2llm.transport.stage;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;

/**
 * Buffers for payloads that outlive the call that brought them, used again and again. Thread-safe.
 */
final class Payloads {
  private static final int SMALLEST = 1 << 10;
  private static final int SIZES = 20;
  private static final int KEPT = 8;

  /** By size: 1 KiB, 2 KiB, 4 KiB, … */
  private final ArrayDeque<ByteBuffer>[] free;

  @SuppressWarnings({"unchecked", "rawtypes"}) // an array of a generic type
  Payloads() {
    free = new ArrayDeque[SIZES];
    for (int i = 0; i < SIZES; i++) {
      free[i] = new ArrayDeque<>();
    }
  }

  /** A little-endian buffer of at least {@code bytes}, its limit there. */
  ByteBuffer take(int bytes) {
    int size = size(bytes);
    ByteBuffer buffer = null;
    if (size < SIZES) {
      synchronized (free[size]) {
        buffer = free[size].poll();
      }
    }
    if (buffer == null) {
      int capacity = size < SIZES ? SMALLEST << size : bytes;
      buffer = ByteBuffer.allocateDirect(capacity).order(ByteOrder.LITTLE_ENDIAN);
    }
    ((Buffer) buffer).clear();
    ((Buffer) buffer).limit(bytes);
    return buffer;
  }

  /** A copy of what is lent. */
  ByteBuffer copy(ByteBuffer payload) {
    ByteBuffer copy = take(payload.remaining());
    copy.put(payload);
    ((Buffer) copy).flip();
    return copy;
  }

  void give(ByteBuffer buffer) {
    int size = size(buffer.capacity());
    if (size < SIZES && buffer.capacity() == SMALLEST << size) {
      synchronized (free[size]) {
        if (free[size].size() < KEPT) {
          free[size].push(buffer);
        }
      }
    }
  }

  private static int size(int bytes) {
    return bytes <= SMALLEST ? 0 : 32 - Integer.numberOfLeadingZeros((bytes - 1) / SMALLEST);
  }
}

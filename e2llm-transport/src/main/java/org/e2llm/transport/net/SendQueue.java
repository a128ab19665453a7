package org.e2llm.transport.net;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.e2llm.transport.wire.FrameHeader;
import org.jspecify.annotations.Nullable;

/**
 * Frames of one connection on their way out, numbered in the order in which they came.
 *
 * <p>Any thread offers; one at a time takes, with {@link #gather} and {@link #taken} in turn. A
 * ring of reused frames: nothing is allocated per frame once it is as long as it ever was. Payloads
 * are lent, see {@link Connection#send}.
 */
final class SendQueue {
  enum Offer {
    QUEUED,
    CLOSED,
    /** The frame was not queued, nothing else will be, and the connection has to end. */
    FULL
  }

  private static final int MAX_FRAMES = 1 << 17;

  /** One header and, in the same buffer, the payload of 8 bytes that control frames have. */
  private static final class Frame {
    final ByteBuffer header =
        ByteBuffer.allocate(FrameHeader.BYTES + Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    @Nullable ByteBuffer payload;
    @Nullable Runnable released;
    int bytes;
  }

  private final long maxBytes;
  private Frame[] ring = new Frame[16];
  private int head;
  private int count;
  private int sequence;
  private long bytes;
  private boolean closed;

  SendQueue(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  synchronized Offer offer(byte type, ByteBuffer payload, @Nullable Runnable released) {
    int length = payload.remaining();
    if (closed) {
      return Offer.CLOSED;
    }
    if (isFull(length)) {
      closed = true;
      return Offer.FULL;
    }
    Frame frame = append(type, length);
    ((Buffer) frame.header).position(0).limit(FrameHeader.BYTES);
    frame.payload = payload;
    frame.released = released;
    return Offer.QUEUED;
  }

  /** A frame whose payload is one u64, copied. */
  synchronized Offer offer(byte type, long value) {
    if (closed) {
      return Offer.CLOSED;
    }
    if (isFull(Long.BYTES)) {
      closed = true;
      return Offer.FULL;
    }
    Frame frame = append(type, Long.BYTES);
    frame.header.putLong(FrameHeader.BYTES, value);
    ((Buffer) frame.header).position(0).limit(FrameHeader.BYTES + Long.BYTES);
    return Offer.QUEUED;
  }

  /** One last frame, even if the queue is full; afterwards nothing is accepted. */
  synchronized void close(byte type, ByteBuffer payload) {
    if (!closed) {
      Frame frame = append(type, payload.remaining());
      ((Buffer) frame.header).position(0).limit(FrameHeader.BYTES);
      frame.payload = payload;
      closed = true;
    }
  }

  /** Bytes that no {@link #gather} has taken as a whole frame, headers included. */
  synchronized long bytes() {
    return bytes;
  }

  /**
   * Lists what goes out next.
   *
   * @param into filled from 0 with buffers that have something left; reading moves their positions
   * @param wanted bytes after which no further buffer is added
   * @return number of buffers, 0 if there is nothing
   */
  synchronized int gather(ByteBuffer[] into, int wanted) {
    int buffers = 0;
    int found = 0;
    for (int i = 0; i < count && found < wanted && buffers + 2 <= into.length; i++) {
      Frame frame = ring[head + i & ring.length - 1];
      if (frame.header.hasRemaining()) {
        found += frame.header.remaining();
        into[buffers++] = frame.header;
      }
      ByteBuffer payload = frame.payload;
      if (payload != null && payload.hasRemaining()) {
        found += payload.remaining();
        into[buffers++] = payload;
      }
    }
    return buffers;
  }

  /**
   * Removes the frames that were read to their end.
   *
   * @param giveBack runs what {@code released} says. Otherwise it stops at the first frame that has
   *     such: {@link #owesRelease}
   * @return how many were removed
   */
  int taken(boolean giveBack) {
    for (int frames = 0; ; frames++) {
      Runnable released;
      synchronized (this) {
        if (count == 0 || left(ring[head]) || !(giveBack || ring[head].released == null)) {
          return frames;
        }
        released = removeFirst();
      }
      if (released != null) {
        released.run();
      }
    }
  }

  /** A frame was read to its end whose owner waits for it. */
  synchronized boolean owesRelease() {
    return count > 0 && !left(ring[head]);
  }

  /** Gives back everything that is still queued; nothing is accepted any more. */
  void drop() {
    for (; ; ) {
      Runnable released;
      synchronized (this) {
        closed = true;
        if (count == 0) {
          return;
        }
        released = removeFirst();
      }
      if (released != null) {
        released.run();
      }
    }
  }

  private boolean isFull(int length) {
    return bytes + FrameHeader.BYTES + length > maxBytes || count >= MAX_FRAMES;
  }

  private Frame append(byte type, int length) {
    if (count == ring.length) {
      Frame[] larger = new Frame[2 * count];
      for (int i = 0; i < count; i++) {
        larger[i] = ring[head + i & count - 1];
      }
      ring = larger;
      head = 0;
    }
    int at = head + count & ring.length - 1;
    Frame frame = ring[at];
    if (frame == null) {
      frame = new Frame();
      ring[at] = frame;
    }
    ((Buffer) frame.header).clear();
    FrameHeader.put(frame.header, 0, length, type, sequence++);
    frame.bytes = FrameHeader.BYTES + length;
    bytes += frame.bytes;
    count++;
    return frame;
  }

  private static boolean left(Frame frame) {
    ByteBuffer payload = frame.payload;
    return frame.header.hasRemaining() || (payload != null && payload.hasRemaining());
  }

  private @Nullable Runnable removeFirst() {
    Frame frame = ring[head];
    Runnable released = frame.released;
    frame.payload = null;
    frame.released = null;
    bytes -= frame.bytes;
    head = head + 1 & ring.length - 1;
    count--;
    return released;
  }
}

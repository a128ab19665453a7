package org.e2llm.transport.wire;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.e2llm.cluster.ProtocolException;

/**
 * Cuts a stream of bytes into frames. Use:
 *
 * <pre>
 *  put bytes into space(), as they come
 *  while (next()) handle type(), payload()
 * </pre>
 *
 * A header is checked as soon as its 12 bytes are there. The buffer then grows with what has really
 * arrived, not with what the header promises, and never beyond the type's limit. Payloads are views
 * of the buffer: valid until the next call of {@link #space}. Once warm nothing is allocated per
 * frame. Not safe for several threads.
 */
public final class FrameReader {
  private FrameLimits limits;

  /** What {@link #space} has free at least: the plaintext of a TLS record. */
  private final int chunk;

  private final int smallest;

  /** Written up to its position; {@link #read} is where the next frame starts. */
  private ByteBuffer buffer;

  /** A view of {@link #buffer} that is lent. */
  private ByteBuffer payload;

  private int read;
  private int sequence;
  private int type;

  /** Frame length with header, or 0 while the header of the next frame is incomplete. */
  private int frame;

  private int largest;

  /**
   * Starts with the smallest buffer.
   *
   * @param chunk bytes that {@link #space} has free at least
   */
  public FrameReader(FrameLimits limits, int chunk) {
    this.limits = limits;
    this.chunk = chunk;
    this.smallest = chunk + (chunk >> 1);
    this.buffer = ByteBuffer.allocate(smallest).order(ByteOrder.LITTLE_ENDIAN);
    this.payload = buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Other limits from the next frame on. */
  public void limits(FrameLimits changed) {
    this.limits = changed;
  }

  /** Where the next bytes go: from the position on. Its limit is not to be moved. */
  public ByteBuffer space() {
    if (read == buffer.position()) {
      ((Buffer) buffer).clear();
      read = 0;
    }
    if (buffer.remaining() < chunk) {
      makeRoom();
    }
    return buffer;
  }

  /**
   * Steps to the next frame.
   *
   * @return false if it has not arrived as a whole
   * @throws ProtocolException if this can be no frame; nothing can be read after that
   */
  public boolean next() {
    int arrived = buffer.position() - read;
    if (frame == 0 && arrived >= FrameHeader.BYTES) {
      frame = checkHeader();
    }
    if (frame == 0 || arrived < frame) {
      return false;
    }
    ((Buffer) payload).limit(read + frame);
    ((Buffer) payload).position(read + FrameHeader.BYTES);
    largest = Math.max(largest, frame);
    read += frame;
    sequence++;
    frame = 0;
    return true;
  }

  public byte type() {
    return (byte) type;
  }

  /** Little-endian, from position to limit. */
  public ByteBuffer payload() {
    return payload;
  }

  /** Gives back memory that no frame since the last call has needed, if nothing is half read. */
  public void trim() {
    int enough = Math.max(smallest, buffer.capacity() / 4);
    if (read == buffer.position() && enough < buffer.capacity() && largest + chunk < enough) {
      replace(enough);
    }
    largest = 0;
  }

  /** Bytes of memory it holds. */
  public int capacity() {
    return buffer.capacity();
  }

  private int checkHeader() {
    long length = buffer.getInt(read + FrameHeader.LENGTH) & 0xffff_ffffL;
    type = buffer.get(read + FrameHeader.TYPE) & 0xff;
    int flags = buffer.get(read + FrameHeader.FLAGS);
    int reserved = buffer.getShort(read + FrameHeader.RESERVED);
    int found = buffer.getInt(read + FrameHeader.SEQUENCE);
    int limit = limits.of(type);
    if (limit < 0) {
      throw new ProtocolException(
          "a frame of type " + FrameType.name(type) + " is not expected here");
    }
    if (length > limit) {
      throw new ProtocolException(
          "a frame of type "
              + FrameType.name(type)
              + " says it has "
              + length
              + " bytes, allowed are "
              + limit);
    }
    if (flags != 0 || reserved != 0) {
      throw new ProtocolException(
          "a frame has flags " + flags + " and reserved " + reserved + ", expected is 0 for both");
    }
    if (found != sequence) {
      throw new ProtocolException(
          "frame "
              + (found & 0xffff_ffffL)
              + " came where frame "
              + (sequence & 0xffff_ffffL)
              + " was due: one was lost, repeated or moved");
    }
    return FrameHeader.BYTES + (int) length;
  }

  /**
   * Moves what is not yet read to the front, and doubles the buffer as long as a frame needs it.
   */
  private void makeRoom() {
    int kept = buffer.position() - read;
    int needed = Math.max(frame, FrameHeader.BYTES) + chunk;
    if (buffer.capacity() >= needed) {
      ((Buffer) buffer).flip().position(read);
      buffer.compact();
      read = 0;
    } else {
      replace((int) Math.min(Math.max(2L * buffer.capacity(), kept + chunk), needed));
    }
  }

  private void replace(int capacity) {
    ByteBuffer larger = ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN);
    ((Buffer) buffer).flip().position(read);
    larger.put(buffer);
    buffer = larger;
    payload = buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    read = 0;
  }
}

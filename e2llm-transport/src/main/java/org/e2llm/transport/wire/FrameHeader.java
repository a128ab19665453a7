package org.e2llm.transport.wire;

import java.nio.ByteBuffer;

/**
 * The 12 bytes before every payload, little-endian.
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +---------------------------------------------------------------+
 *  |                      length of the payload                    |
 *  +---------------+---------------+-------------------------------+
 *  |     type      |   flags = 0   |          reserved = 0         |
 *  +---------------+---------------+-------------------------------+
 *  |     sequence: 0, 1, 2, … per connection and direction         |
 *  +---------------------------------------------------------------+
 *  |     payload …                                                 |
 * </pre>
 *
 * A length above the type's limit ({@link FrameLimits}), a flag, something reserved or a sequence
 * number that is not the next one ends the connection. The sequence wraps at 2^32.
 */
public final class FrameHeader {
  public static final int BYTES = 12;
  public static final int LENGTH = 0;
  public static final int TYPE = 4;
  public static final int FLAGS = 5;
  public static final int RESERVED = 6;
  public static final int SEQUENCE = 8;

  private FrameHeader() {}

  /** Puts a header at {@code at} of a little-endian buffer, whose position stays. */
  public static void put(ByteBuffer buffer, int at, int length, byte type, int sequence) {
    buffer.putInt(at + LENGTH, length);
    buffer.put(at + TYPE, type);
    buffer.put(at + FLAGS, (byte) 0);
    buffer.putShort(at + RESERVED, (short) 0);
    buffer.putInt(at + SEQUENCE, sequence);
  }
}

package org.e2llm.transport.wire;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.Buffer;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.e2llm.InvalidRequestException;

/**
 * Writes the fields of a payload, little-endian; {@link FieldReader} reads them back in the same
 * order.
 *
 * <pre>
 *  u8 u16 u32 u64   integers; i32, i64 are the same bytes with a sign
 *  f32 f64          IEEE 754, bit for bit
 *  string           u16 bytes, UTF-8, at most 1024 bytes
 *  count            u32 elements that follow
 *  address          u8 length (4 or 16), IP address, u16 port
 *  bytes            as they are; their length is known or was written before
 * </pre>
 *
 * Either grows its own buffer or fills one that the caller gives. Not safe for several threads. No
 * allocation once the buffer is large enough, strings and addresses excepted.
 */
public final class FieldWriter {
  public static final int MAX_STRING_BYTES = 1024;

  private ByteBuffer buffer;
  private final boolean grows;

  /** Starts with an own buffer of {@code capacity} bytes, which doubles as needed. */
  public FieldWriter(int capacity) {
    this.buffer = ByteBuffer.allocate(Math.max(16, capacity)).order(ByteOrder.LITTLE_ENDIAN);
    this.grows = true;
  }

  /**
   * Writes into {@code target} from its position on, and never beyond its limit ({@link
   * BufferOverflowException}). Its order becomes little-endian.
   */
  public FieldWriter(ByteBuffer target) {
    this.buffer = target.order(ByteOrder.LITTLE_ENDIAN);
    this.grows = false;
  }

  public FieldWriter u8(int value) {
    check(value, 0xff);
    room(1).put((byte) value);
    return this;
  }

  public FieldWriter u16(int value) {
    check(value, 0xffff);
    room(2).putShort((short) value);
    return this;
  }

  public FieldWriter u32(long value) {
    check(value, 0xffff_ffffL);
    room(4).putInt((int) value);
    return this;
  }

  public FieldWriter i32(int value) {
    room(4).putInt(value);
    return this;
  }

  public FieldWriter i64(long value) {
    room(8).putLong(value);
    return this;
  }

  public FieldWriter f32(float value) {
    room(4).putInt(Float.floatToRawIntBits(value));
    return this;
  }

  public FieldWriter f64(double value) {
    room(8).putLong(Double.doubleToRawLongBits(value));
    return this;
  }

  public FieldWriter bool(boolean value) {
    return u8(value ? 1 : 0);
  }

  /** The ordinal: constants may only be added at the end of such an enum. */
  public FieldWriter choice(Enum<?> value) {
    return u8(value.ordinal());
  }

  /** Refuses more than {@link #MAX_STRING_BYTES} of UTF-8: long texts are not for the wire. */
  public FieldWriter string(String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    if (utf8.length > MAX_STRING_BYTES) {
      throw new InvalidRequestException(
          "a text of "
              + utf8.length
              + " bytes cannot be sent to peers, at most "
              + MAX_STRING_BYTES
              + " can: \""
              + value.substring(0, 40)
              + "…\"");
    }
    return u16(utf8.length).bytes(utf8);
  }

  /** As {@link #string}, but what does not fit is cut off: for reasons that people read. */
  public FieldWriter shortened(String value) {
    String text = value;
    while (text.getBytes(StandardCharsets.UTF_8).length > MAX_STRING_BYTES) {
      text = text.substring(0, text.offsetByCodePoints(text.length(), -1 - text.length() / 8));
    }
    return string(text);
  }

  public FieldWriter count(int elements) {
    return u32(elements);
  }

  /** An address that is resolved; the scope of a link-local one is not sent. */
  public FieldWriter address(InetSocketAddress value) {
    InetAddress host = value.getAddress();
    if (host == null) {
      throw new InvalidRequestException("the host name " + value.getHostString() + " is unknown");
    }
    byte[] ip = host.getAddress();
    return u8(ip.length).bytes(ip).u16(value.getPort());
  }

  public FieldWriter bytes(byte[] value) {
    room(value.length).put(value);
    return this;
  }

  /** Position to limit of {@code value}, whose position stays. */
  public FieldWriter bytes(ByteBuffer value) {
    room(value.remaining()).put(value.duplicate());
    return this;
  }

  public int size() {
    return buffer.position();
  }

  /**
   * What was written, from 0 to {@link #size()}: the buffer itself, not a copy. After that, {@link
   * #clear()} comes before the next field.
   */
  public ByteBuffer payload() {
    ((Buffer) buffer).flip();
    return buffer;
  }

  /** Forgets everything; the buffer is used again, so it must not be queued anywhere. */
  public FieldWriter clear() {
    ((Buffer) buffer).clear();
    return this;
  }

  private ByteBuffer room(int bytes) {
    if (grows && buffer.remaining() < bytes) {
      int needed = Math.addExact(buffer.position(), bytes);
      int capacity =
          (int) Math.min(Math.max(2L * buffer.capacity(), needed), Integer.MAX_VALUE - 8);
      ((Buffer) buffer).flip();
      buffer = ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN).put(buffer);
    }
    return buffer;
  }

  private static void check(long value, long max) {
    if (value < 0 || value > max) {
      throw new IllegalArgumentException(value + " is not between 0 and " + max);
    }
  }
}

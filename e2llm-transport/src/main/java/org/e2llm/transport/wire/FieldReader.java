package org.e2llm.transport.wire;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.e2llm.cluster.ProtocolException;

/**
 * Reads the fields of a payload that somebody else wrote ({@link FieldWriter} has the formats).
 * Whatever is short, too long or out of range is a {@link ProtocolException} that names the field;
 * nothing is allocated for what is not there.
 *
 * <p>Not safe for several threads. {@link #over} lets one reader serve many payloads; numbers are
 * read without allocation.
 */
public final class FieldReader {
  private ByteBuffer buffer;

  /** Reads from position to limit; the buffer's position moves, its order becomes little-endian. */
  public FieldReader(ByteBuffer payload) {
    this.buffer = payload.order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Goes on with another payload. */
  public FieldReader over(ByteBuffer payload) {
    this.buffer = payload.order(ByteOrder.LITTLE_ENDIAN);
    return this;
  }

  public int u8(String field) {
    return need(field, 1).get() & 0xff;
  }

  public int u16(String field) {
    return need(field, 2).getShort() & 0xffff;
  }

  public long u32(String field) {
    return need(field, 4).getInt() & 0xffff_ffffL;
  }

  public int i32(String field) {
    return need(field, 4).getInt();
  }

  public long i64(String field) {
    return need(field, 8).getLong();
  }

  public float f32(String field) {
    return Float.intBitsToFloat(need(field, 4).getInt());
  }

  public double f64(String field) {
    return Double.longBitsToDouble(need(field, 8).getLong());
  }

  /** An i32 within both limits, inclusive. */
  public int i32(String field, int min, int max) {
    return (int) within(field, i32(field), min, max);
  }

  /** An i64 within both limits, inclusive. */
  public long i64(String field, long min, long max) {
    return within(field, i64(field), min, max);
  }

  public boolean bool(String field) {
    return within(field, u8(field), 0, 1) == 1;
  }

  /** One of {@code values}, which are all of an enum in its order. */
  public <E extends Enum<E>> E choice(String field, E[] values) {
    return values[(int) within(field, u8(field), 0, values.length - 1)];
  }

  /** At most 1024 bytes of well-formed UTF-8. */
  public String string(String field) {
    int length = (int) within(field, u16(field), 0, FieldWriter.MAX_STRING_BYTES);
    ByteBuffer utf8 = view(field, length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
    } catch (CharacterCodingException e) {
      throw new ProtocolException(field + " is no well-formed UTF-8", e);
    }
  }

  /**
   * A number of elements that follow, of at least {@code bytesEach} (1 or more): no more than what
   * is left could hold.
   */
  public int count(String field, int bytesEach) {
    return count(field, bytesEach, Integer.MAX_VALUE);
  }

  /** As {@link #count(String, int)}, and at most {@code max}. */
  public int count(String field, int bytesEach, int max) {
    long elements = within(field, u32(field), 0, max);
    if (elements > buffer.remaining() / bytesEach) {
      throw new ProtocolException(
          field
              + " says "
              + elements
              + " elements of at least "
              + bytesEach
              + " bytes, but only "
              + buffer.remaining()
              + " bytes are left");
    }
    return (int) elements;
  }

  public InetSocketAddress address(String field) {
    int length = u8(field);
    if (length != 4 && length != 16) {
      throw new ProtocolException(field + " has " + length + " bytes, expected are 4 or 16");
    }
    byte[] ip = new byte[length];
    bytes(field, ip);
    try {
      return new InetSocketAddress(InetAddress.getByAddress(ip), u16(field));
    } catch (UnknownHostException e) {
      throw new ProtocolException(field + " is no IP address", e);
    }
  }

  /** Fills {@code into}. */
  public void bytes(String field, byte[] into) {
    need(field, into.length).get(into);
  }

  /**
   * The next {@code length} bytes as a little-endian view of the payload: not a copy, so it lives
   * no longer than the payload is lent.
   */
  public ByteBuffer view(String field, int length) {
    need(field, length);
    ByteBuffer view = buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    ((Buffer) view).limit(view.position() + length);
    ((Buffer) buffer).position(buffer.position() + length);
    return view;
  }

  public int remaining() {
    return buffer.remaining();
  }

  /** Nothing may be left. */
  public void end(String message) {
    if (buffer.hasRemaining()) {
      throw new ProtocolException(
          message + " has " + buffer.remaining() + " bytes after its last field");
    }
  }

  private ByteBuffer need(String field, int bytes) {
    if (bytes < 0 || buffer.remaining() < bytes) {
      throw new ProtocolException(
          field + " needs " + bytes + " bytes, but only " + buffer.remaining() + " are left");
    }
    return buffer;
  }

  private static long within(String field, long value, long min, long max) {
    if (value < min || value > max) {
      throw new ProtocolException(field + " is " + value + ", expected is " + min + " to " + max);
    }
    return value;
  }
}

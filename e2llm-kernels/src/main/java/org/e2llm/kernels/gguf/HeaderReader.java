package org.e2llm.kernels.gguf;

import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import org.e2llm.E2llmException;
import org.e2llm.ModelFormatException;

/**
 * Reads little-endian values from the start of a file through one small buffer, and refuses lengths
 * and counts that the rest of the file cannot hold before anything is allocated for them.
 *
 * <p>Reads ahead by at most what it has read so far (at least 4 KiB, at most 256 KiB), so that a
 * short header costs a short read. Not thread-safe.
 */
final class HeaderReader {
  /** Longest string in bytes. */
  static final long MAX_STRING_BYTES = 64L << 20;

  /**
   * Longest header in bytes; known ones stay under 20 MiB. Bounds the time and memory of hostile
   * ones.
   */
  static final long MAX_HEADER_BYTES = 256L << 20;

  private static final int MIN_READ = 4 << 10;
  private static final int MAX_READ = 256 << 10;

  private final FileChannel channel;
  private final long start;
  private final long length;
  private final String file;
  private ByteBuffer buffer;
  private long fetched;
  private String field = "magic";

  /**
   * Reads {@code [start, start + length)} of {@code channel}; {@code file} is its name for errors.
   */
  HeaderReader(FileChannel channel, long start, long length, String file) {
    this.channel = channel;
    this.start = start;
    this.length = length;
    this.file = file;
    this.buffer = newBuffer(MIN_READ);
  }

  /** Names what is being read, for errors. */
  void field(String name) {
    field = name;
  }

  /** Bytes consumed. */
  long position() {
    return fetched - buffer.remaining();
  }

  /** Bytes of the file that are not consumed yet. */
  long remaining() {
    return length - position();
  }

  /** Bytes read from the channel, read-ahead included. */
  long bytesRead() {
    return fetched;
  }

  int u8() {
    require(1);
    return buffer.get() & 0xff;
  }

  short i16() {
    require(2);
    return buffer.getShort();
  }

  int i32() {
    require(4);
    return buffer.getInt();
  }

  long i64() {
    require(8);
    return buffer.getLong();
  }

  /** A u64 that counts things of which each takes at least {@code minBytes} of the file. */
  long count(String what, long minBytes) {
    long count = i64();
    long most = remaining() / minBytes;
    if (count < 0 || count > most) {
      throw error(
          what
              + " is "
              + Long.toUnsignedString(count)
              + ", the rest of the file holds at most "
              + most);
    }
    if (count > MAX_HEADER_BYTES / minBytes) {
      throw error(what + " is " + count + ", beyond the limit of " + MAX_HEADER_BYTES / minBytes);
    }
    return count;
  }

  /** The u64 length of a string, checked against the file and {@code limit}. */
  int stringLength(long limit) {
    long bytes = i64();
    if (bytes < 0 || bytes > limit) {
      throw error(
          "string of " + Long.toUnsignedString(bytes) + " bytes, beyond the limit of " + limit);
    }
    if (bytes > remaining()) {
      throw error("string of " + bytes + " bytes, the rest of the file has " + remaining());
    }
    return (int) bytes;
  }

  String string(long limit) {
    byte[] bytes = new byte[stringLength(limit)];
    bytes(bytes, 0, bytes.length);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  void bytes(byte[] target, int offset, int count) {
    int done = 0;
    while (done < count) {
      require(1);
      int step = Math.min(count - done, buffer.remaining());
      buffer.get(target, offset + done, step);
      done += step;
    }
  }

  ModelFormatException error(String message) {
    return new ModelFormatException(file + ": " + field + ": " + message);
  }

  private void require(int bytes) {
    if (buffer.remaining() < bytes) {
      fill(bytes);
    }
  }

  private void fill(int bytes) {
    if (remaining() < bytes) {
      throw error(
          "the file ends at byte "
              + length
              + ", expected "
              + bytes
              + " more after byte "
              + position());
    }
    if (fetched >= MAX_HEADER_BYTES) {
      throw error("the header is beyond the limit of " + MAX_HEADER_BYTES + " bytes");
    }
    ByteBuffer next = buffer;
    int wanted = (int) Math.max(MIN_READ, Math.min(MAX_READ, fetched));
    if (next.capacity() < wanted) {
      next = newBuffer(wanted);
      ((Buffer) next).clear();
      next.put(buffer);
    } else {
      next.compact();
    }
    int limit = (int) Math.min(next.capacity(), next.position() + (length - fetched));
    ((Buffer) next).limit(limit);
    try {
      while (next.position() < bytes) {
        int read = channel.read(next, start + fetched);
        if (read < 0) {
          throw error("the file ended at byte " + fetched + " while it was read");
        }
        fetched += read;
      }
    } catch (IOException e) {
      throw new E2llmException(file + ": cannot read byte " + fetched + ": " + e.getMessage(), e);
    }
    ((Buffer) next).flip();
    buffer = next;
  }

  private static ByteBuffer newBuffer(int capacity) {
    ByteBuffer created = ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN);
    ((Buffer) created).limit(0);
    return created;
  }
}

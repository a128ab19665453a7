package org.e2llm.transport.slice;

import java.io.EOFException;
import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * Reads and writes whole pieces of a file at a position; a channel alone may do less than asked.
 */
final class FileParts {
  private FileParts() {}

  /** Reads {@code bytes} bytes into {@code into}, from its position on. */
  static void read(FileChannel channel, long at, int bytes, ByteBuffer into) throws IOException {
    int limit = into.limit();
    int end = into.position() + bytes;
    ((Buffer) into).limit(end);
    long from = at - into.position();
    while (into.position() < end) {
      if (channel.read(into, from + into.position()) < 0) {
        throw new EOFException("the file ends at byte " + (from + into.position()));
      }
    }
    ((Buffer) into).limit(limit);
  }

  /** Writes position to limit. */
  static void write(FileChannel channel, long at, ByteBuffer bytes) throws IOException {
    long from = at - bytes.position();
    while (bytes.hasRemaining()) {
      channel.write(bytes, from + bytes.position());
    }
  }
}

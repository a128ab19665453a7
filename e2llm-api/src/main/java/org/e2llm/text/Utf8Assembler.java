package org.e2llm.text;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Puts the bytes of tokens together to text, a character only once all its bytes are there. Bytes
 * that cannot be UTF-8 become U+FFFD. Not thread-safe.
 */
public final class Utf8Assembler {
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);

  /** Bytes of a character that is not complete: at most three, from 0 to position. */
  private ByteBuffer pending = ByteBuffer.allocate(64);

  /** The characters that {@code bytes} complete. */
  public String append(byte[] bytes) {
    if (bytes.length == 0) {
      return "";
    }
    if (pending.remaining() < bytes.length) {
      ByteBuffer larger = ByteBuffer.allocate(pending.position() + bytes.length);
      ((Buffer) pending).flip();
      pending = larger.put(pending);
    }
    pending.put(bytes);
    return decode(false);
  }

  /** What is left over, as U+FFFD; then the assembler is as new. */
  public String finish() {
    String rest = decode(true);
    decoder.reset();
    return rest;
  }

  private String decode(boolean end) {
    ((Buffer) pending).flip();
    CharBuffer text = CharBuffer.allocate(pending.remaining() + 1);
    CoderResult result = decoder.decode(pending, text, end);
    if (end) {
      decoder.flush(text);
    }
    if (result.isOverflow()) {
      throw new AssertionError("UTF-8 gave more characters than bytes");
    }
    pending.compact();
    ((Buffer) text).flip();
    return text.toString();
  }
}

package org.e2llm.kernels.gguf;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Collects the bytes of a header in memory; the counterpart of {@link HeaderReader}. */
final class HeaderWriter {
  private ByteBuffer buffer = ByteBuffer.allocate(1 << 12).order(ByteOrder.LITTLE_ENDIAN);

  void i32(int value) {
    room(4).putInt(value);
  }

  void i64(long value) {
    room(8).putLong(value);
  }

  void string(String value) {
    string(value.getBytes(StandardCharsets.UTF_8));
  }

  /** The type number and the value after it. */
  void value(MetadataValue value) {
    i32(value.type().id());
    Object plain = value.value();
    if (plain instanceof MetadataArray array) {
      array(array);
    } else if (plain instanceof Long bits) {
      integer(value.type(), bits);
    } else if (plain instanceof Float number) {
      room(4).putFloat(number);
    } else if (plain instanceof Double number) {
      room(8).putDouble(number);
    } else if (plain instanceof Boolean flag) {
      room(1).put((byte) (flag ? 1 : 0));
    } else {
      string((String) plain);
    }
  }

  /** Zeros up to a multiple of {@code alignment}. */
  void pad(int alignment) {
    while (buffer.position() % alignment != 0) {
      room(1).put((byte) 0);
    }
  }

  /** What was written, ready to be read. */
  ByteBuffer bytes() {
    ByteBuffer result = buffer.duplicate();
    ((Buffer) result).flip();
    return result;
  }

  private void array(MetadataArray array) {
    i32(array.elementType().id());
    i64(array.size());
    for (int i = 0; i < array.size(); i++) {
      switch (array.elementType()) {
        case FLOAT32 -> room(4).putFloat((float) array.number(i));
        case FLOAT64 -> room(8).putDouble(array.number(i));
        case STRING -> string(array.strings().bytes(i));
        case ARRAY -> array((MetadataArray) array.get(i));
        default -> integer(array.elementType(), array.integer(i));
      }
    }
  }

  private void integer(MetadataType type, long bits) {
    ByteBuffer out = room(8);
    switch (type.bytes()) {
      case 1 -> out.put((byte) bits);
      case 2 -> out.putShort((short) bits);
      case 4 -> out.putInt((int) bits);
      default -> out.putLong(bits);
    }
  }

  private void string(byte[] utf8) {
    i64(utf8.length);
    room(utf8.length).put(utf8);
  }

  private ByteBuffer room(int bytes) {
    if (buffer.remaining() < bytes) {
      int capacity = Math.max(2 * buffer.capacity(), buffer.position() + bytes);
      ByteBuffer larger = ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN);
      ((Buffer) buffer).flip();
      buffer = larger.put(buffer);
    }
    return buffer;
  }
}

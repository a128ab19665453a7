package org.e2llm.transport.slice;

/** Bytes as lower-case hex digits, and back. */
final class Hex {
  private Hex() {}

  static String of(byte[] bytes) {
    StringBuilder hex = new StringBuilder(2 * bytes.length);
    for (byte value : bytes) {
      hex.append(Character.forDigit(value >> 4 & 15, 16))
          .append(Character.forDigit(value & 15, 16));
    }
    return hex.toString();
  }

  /** The bytes of an even number of hex digits. */
  static byte[] parse(String hex) {
    byte[] bytes = new byte[hex.length() / 2];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
    }
    return bytes;
  }
}

package org.e2llm.transport.slice;

import java.nio.ByteBuffer;
import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Hashes of a tensor's leaves, and the root above them: the Merkle tree hash of RFC 6962, section
 * 2.1, over SHA-256.
 *
 * <pre>
 *  leaf   SHA-256(0x00 | up to 1 MiB of the tensor)
 *  inner  SHA-256(0x01 | left | right)         left is the larger full subtree
 * </pre>
 *
 * The byte in front keeps an inner hash from ever being taken for a leaf. Not safe for several
 * threads. Nothing is allocated per leaf.
 */
final class Merkle {
  /** Bytes of every leaf but a tensor's last one. */
  static final int LEAF_BYTES = 1 << 20;

  /** Bytes of a hash. */
  static final int HASH_BYTES = 32;

  private static final byte LEAF = 0;
  private static final byte INNER = 1;

  private final MessageDigest sha = sha256();

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Puts the hash of a leaf, from position to limit of {@code data}, at {@code out[at]}. */
  void leaf(ByteBuffer data, byte[] out, int at) {
    sha.update(LEAF);
    sha.update(data);
    digest(out, at);
  }

  /** The root above {@code count} hashes that lie from {@code at} on; at least one. */
  byte[] root(byte[] hashes, int at, int count) {
    byte[] level = new byte[count * HASH_BYTES];
    System.arraycopy(hashes, at, level, 0, level.length);
    for (int width = count; width > 1; width = (width + 1) / 2) {
      for (int i = 0; i + 1 < width; i += 2) {
        sha.update(INNER);
        sha.update(level, i * HASH_BYTES, 2 * HASH_BYTES);
        digest(level, i / 2 * HASH_BYTES);
      }
      if (width % 2 == 1) {
        System.arraycopy(
            level, (width - 1) * HASH_BYTES, level, width / 2 * HASH_BYTES, HASH_BYTES);
      }
    }
    byte[] root = new byte[HASH_BYTES];
    System.arraycopy(level, 0, root, 0, HASH_BYTES);
    return root;
  }

  private void digest(byte[] out, int at) {
    try {
      sha.digest(out, at, HASH_BYTES);
    } catch (DigestException e) {
      throw new IllegalStateException("32 bytes hold a SHA-256", e);
    }
  }
}

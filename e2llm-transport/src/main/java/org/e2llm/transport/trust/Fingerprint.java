package org.e2llm.transport.trust;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.e2llm.cluster.ClusterException;

/** What is derived from a certificate: its hash and the peer's id. */
public final class Fingerprint {
  private static final int ID_BYTES = 16;

  private Fingerprint() {}

  public static byte[] sha256(byte[] der) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(der);
    } catch (NoSuchAlgorithmException e) {
      throw new ClusterException("this Java runtime has no SHA-256, which all must have", e);
    }
  }

  /** The id of a peer: the first 32 lower-case hex characters of its certificate's SHA-256. */
  public static String id(byte[] sha256) {
    return hex(sha256, ID_BYTES);
  }

  static String hex(byte[] bytes, int count) {
    StringBuilder text = new StringBuilder(2 * count);
    for (int i = 0; i < count; i++) {
      text.append(Character.forDigit(bytes[i] >> 4 & 15, 16));
      text.append(Character.forDigit(bytes[i] & 15, 16));
    }
    return text.toString();
  }
}

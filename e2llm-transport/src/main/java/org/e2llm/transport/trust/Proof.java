package org.e2llm.transport.trust;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.e2llm.cluster.Secret;

/**
 * The HMACs by which two peers show each other that they hold the same secret:
 *
 * <pre>
 *  HMAC-SHA256(secret, role label, SHA-256(server certificate), SHA-256(client certificate),
 *              client nonce, server nonce)
 * </pre>
 *
 * The role label keeps a side from getting its own proof back (reflection). The certificates are
 * those of the TLS connection, whose keys both sides have shown to hold, so a proof is worth
 * nothing on any other connection (relaying). The nonces are new each time (replay).
 */
public final class Proof {
  public static final int NONCE_BYTES = 32;
  public static final int BYTES = 32;

  private static final String SERVER = "e2llm proof 1 server";
  private static final String CLIENT = "e2llm proof 1 client";
  private static final String DISCOVERY = "e2llm discovery 1";
  private static final int TAG_BYTES = 8;

  private final Secret secret;
  private final byte[][] parts;

  /** Certificates as SHA-256 of their DER form; server is the side that was dialled. */
  public Proof(
      Secret secret,
      byte[] serverCertificate,
      byte[] clientCertificate,
      byte[] clientNonce,
      byte[] serverNonce) {
    this.secret = secret;
    this.parts = new byte[][] {serverCertificate, clientCertificate, clientNonce, serverNonce};
  }

  public byte[] ofServer() {
    return secret.hmac(SERVER, parts);
  }

  public byte[] ofClient() {
    return secret.hmac(CLIENT, parts);
  }

  /** In a time that does not depend on the bytes. */
  public boolean isServers(byte[] proof) {
    return MessageDigest.isEqual(proof, ofServer());
  }

  /** In a time that does not depend on the bytes. */
  public boolean isClients(byte[] proof) {
    return MessageDigest.isEqual(proof, ofClient());
  }

  /**
   * What a peer may advertise on the LAN so that others know whether dialling it makes sense: 16
   * hex characters that say nothing to those without the secret.
   */
  public static String discoveryTag(Secret secret, String cluster) {
    byte[] mac = secret.hmac(DISCOVERY, cluster.getBytes(StandardCharsets.UTF_8));
    return Fingerprint.hex(mac, TAG_BYTES);
  }
}

package org.e2llm.transport.trust;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import org.e2llm.cluster.ClusterException;

/**
 * A peer's key (EC P-256) and the certificate it signed for itself. The id that other peers know it
 * by follows from the certificate.
 *
 * <p>Immutable. {@link IdentityStore} keeps one over restarts, so that a device that comes back is
 * known again.
 */
public final class Identity {
  private final PrivateKey key;
  private final X509Certificate certificate;
  private final byte[] sha256;

  Identity(PrivateKey key, X509Certificate certificate) throws GeneralSecurityException {
    this.key = key;
    this.certificate = certificate;
    this.sha256 = Fingerprint.sha256(certificate.getEncoded());
  }

  /** A new one, kept nowhere. */
  public static Identity create() {
    try {
      SecureRandom random = new SecureRandom();
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"), random);
      KeyPair keys = generator.generateKeyPair();
      return new Identity(keys.getPrivate(), SelfSigned.certificate(keys, random));
    } catch (GeneralSecurityException e) {
      throw new ClusterException(
          "no identity could be made: this Java runtime lacks EC P-256 or SHA256withECDSA", e);
    }
  }

  /**
   * The one kept in {@code folder}, or a new one that is kept there from now on; close the store
   * when the peer is gone.
   *
   * @throws IOException if the folder cannot be written
   */
  public static IdentityStore open(Path folder) throws IOException {
    return IdentityStore.open(folder);
  }

  /** 32 lower-case hex characters. */
  public String id() {
    return Fingerprint.id(sha256);
  }

  /** SHA-256 of the certificate's DER form; a copy. */
  public byte[] fingerprint() {
    return sha256.clone();
  }

  X509Certificate certificate() {
    return certificate;
  }

  PrivateKey key() {
    return key;
  }

  /** The id; never the key. */
  @Override
  public String toString() {
    return "Identity[" + id() + "]";
  }
}

package org.e2llm.transport.trust;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;

/**
 * Makes the certificate by which a peer signs for its own key: X.509 v3 (RFC 5280), EC P-256,
 * ecdsa-with-SHA256, key usage digitalSignature, no name, no end (9999-12-31, as RFC 5280, 4.1.2.5
 * says for certificates without one), since devices' clocks are often wrong.
 *
 * <p>The JDK has no public API for this. Bouncy Castle's has 9 MB (bcpkix, bcprov, bcutil), which
 * would be most of an app that embeds this library; one fixed form is these few lines of DER.
 */
final class SelfSigned {
  private static final int INTEGER = 0x02;
  private static final int BIT_STRING = 0x03;
  private static final int OCTET_STRING = 0x04;
  private static final int UTF8_STRING = 0x0c;
  private static final int GENERALIZED_TIME = 0x18;
  private static final int UTC_TIME = 0x17;
  private static final int SEQUENCE = 0x30;
  private static final int SET = 0x31;
  private static final int VERSION = 0xa0;
  private static final int EXTENSIONS = 0xa3;

  /** OBJECT IDENTIFIER 1.2.840.10045.4.3.2. */
  private static final byte[] ECDSA_WITH_SHA256 = hex("06082a8648ce3d040302");

  /** OBJECT IDENTIFIER 2.5.4.3. */
  private static final byte[] COMMON_NAME = hex("0603550403");

  /** OBJECT IDENTIFIER 2.5.29.15, BOOLEAN TRUE: a critical key usage. */
  private static final byte[] CRITICAL_KEY_USAGE = hex("0603551d0f0101ff");

  /** BIT STRING, 7 bits unused, only bit 0: digitalSignature. */
  private static final byte[] DIGITAL_SIGNATURE = hex("03020780");

  private SelfSigned() {}

  /** Signs {@code keys}' public key with the private one. */
  static X509Certificate certificate(KeyPair keys, SecureRandom random)
      throws GeneralSecurityException {
    byte[] algorithm = der(SEQUENCE, ECDSA_WITH_SHA256);
    byte[] commonName = der(UTF8_STRING, "e2llm".getBytes(StandardCharsets.US_ASCII));
    byte[] name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, commonName)));
    byte[] toBeSigned =
        der(
            SEQUENCE,
            der(VERSION, der(INTEGER, new byte[] {2})),
            der(INTEGER, serial(random)),
            algorithm,
            name,
            der(
                SEQUENCE,
                time(UTC_TIME, "200101000000Z"),
                time(GENERALIZED_TIME, "99991231235959Z")),
            name,
            keys.getPublic().getEncoded(),
            der(
                EXTENSIONS,
                der(
                    SEQUENCE,
                    der(SEQUENCE, CRITICAL_KEY_USAGE, der(OCTET_STRING, DIGITAL_SIGNATURE)))));
    Signature signature = Signature.getInstance("SHA256withECDSA");
    signature.initSign(keys.getPrivate(), random);
    signature.update(toBeSigned);
    byte[] certificate =
        der(SEQUENCE, toBeSigned, algorithm, der(BIT_STRING, new byte[] {0}, signature.sign()));
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(certificate));
  }

  /** 127 random bits; the first byte is neither negative nor zero, as DER and RFC 5280 want it. */
  private static byte[] serial(SecureRandom random) {
    byte[] serial = new byte[16];
    random.nextBytes(serial);
    serial[0] = (byte) (serial[0] & 0x7f | 0x40);
    return serial;
  }

  private static byte[] time(int tag, String text) {
    return der(tag, text.getBytes(StandardCharsets.US_ASCII));
  }

  /** Tag, length, contents one after the other; lengths below 64 KiB. */
  private static byte[] der(int tag, byte[]... contents) {
    int length = 0;
    for (byte[] content : contents) {
      length += content.length;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(length + 4);
    out.write(tag);
    if (length >= 0x100) {
      out.write(0x82);
      out.write(length >> 8);
    } else if (length >= 0x80) {
      out.write(0x81);
    }
    out.write(length);
    for (byte[] content : contents) {
      out.write(content, 0, content.length);
    }
    return out.toByteArray();
  }

  private static byte[] hex(String text) {
    byte[] bytes = new byte[text.length() / 2];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Integer.parseInt(text.substring(2 * i, 2 * i + 2), 16);
    }
    return bytes;
  }
}

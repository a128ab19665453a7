package org.e2llm.cluster;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.spec.InvalidKeySpecException;
import java.text.Normalizer;
import java.util.Arrays;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import org.e2llm.ClosedException;
import org.e2llm.InvalidRequestException;

/**
 * What all peers of a cluster know and nobody else: 130 random bits.
 *
 * <p>{@link #generate} makes one, {@link #reveal} gives the text that a person copies to the other
 * devices, {@link #parse} reads it there. No other method shows it: not {@link #toString}, no error
 * and no log. Where people want to type a phrase instead, {@link #fromPassPhrase} stretches one.
 *
 * <p>Safe for several threads. {@link #close} overwrites it in memory.
 */
public final class Secret implements AutoCloseable {
  /** Rounds of PBKDF2-HMAC-SHA256, as OWASP's Password Storage Cheat Sheet has them. */
  static final int ROUNDS = 600_000;

  static final int MIN_PHRASE_CHARACTERS = 12;

  private static final int SYMBOLS = SecretText.SYMBOLS;

  private final byte[] symbols;
  private volatile boolean closed;

  /** 26 symbols of 5 bits, owned by this object. */
  private Secret(byte[] symbols) {
    this.symbols = symbols;
  }

  /** A new one from the platform's {@link SecureRandom}. */
  public static Secret generate() {
    byte[] random = new byte[SYMBOLS];
    new SecureRandom().nextBytes(random);
    return new Secret(fiveBitsEach(random));
  }

  /**
   * Reads what {@link #reveal} gave. Lower case, missing or other dashes, blanks, and O, I, L in
   * place of 0, 1, 1 do not matter; a wrong or swapped character is noticed by the last one.
   *
   * @throws InvalidRequestException if it is none; the message does not quote it
   */
  public static Secret parse(CharSequence text) {
    return new Secret(SecretText.decode(text));
  }

  /**
   * Stretches a phrase that people can remember: PBKDF2-HMAC-SHA256 with 600,000 rounds and the
   * cluster's name as salt, which takes a good part of a second. Blanks around it do not matter,
   * nor how accents are composed. A phrase is easier to guess than a generated secret: prefer that.
   *
   * @param phrase at least 12 characters
   * @param clusterName the same on all peers, or the secrets differ
   */
  public static Secret fromPassPhrase(CharSequence phrase, String clusterName) {
    String text = Normalizer.normalize(phrase, Normalizer.Form.NFC).strip();
    int length = text.codePointCount(0, text.length());
    if (length < MIN_PHRASE_CHARACTERS) {
      throw new InvalidRequestException(
          "the pass phrase has "
              + length
              + " characters, at least "
              + MIN_PHRASE_CHARACTERS
              + " are needed. Take a longer one, or a generated secret.");
    }
    byte[] salt = ("e2llm pass phrase 1 " + clusterName).getBytes(StandardCharsets.UTF_8);
    PBEKeySpec spec = new PBEKeySpec(text.toCharArray(), salt, ROUNDS, SYMBOLS * 8);
    try {
      byte[] stretched =
          SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
      return new Secret(fiveBitsEach(stretched));
    } catch (InvalidKeySpecException e) {
      throw new InvalidRequestException("the pass phrase cannot be used: " + e.getMessage(), e);
    } catch (GeneralSecurityException e) {
      throw missing("PBKDF2WithHmacSHA256", e);
    } finally {
      spec.clearPassword();
    }
  }

  /** The secret in clear, for the person who carries it to another device: {@code XXXX-XXXX-…}. */
  public String reveal() {
    return SecretText.encode(key());
  }

  /**
   * HMAC-SHA256 with this secret as the key; the only way to use it. The label keeps uses apart,
   * and each part is preceded by its length, so that no two lists of parts give the same bytes.
   *
   * @return 32 bytes
   */
  public byte[] hmac(String label, byte[]... parts) {
    byte[] key = key();
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      update(mac, label.getBytes(StandardCharsets.UTF_8));
      for (byte[] part : parts) {
        update(mac, part);
      }
      return mac.doFinal();
    } catch (GeneralSecurityException e) {
      throw missing("HmacSHA256", e);
    } finally {
      Arrays.fill(key, (byte) 0);
    }
  }

  /** Overwrites the secret in memory. Whoever uses it afterwards gets a {@link ClosedException}. */
  @Override
  public void close() {
    closed = true;
    Arrays.fill(symbols, (byte) 0);
  }

  /** In a time that does not depend on where two secrets differ. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Secret && MessageDigest.isEqual(symbols, ((Secret) other).symbols);
  }

  /** The same for all secrets: a hash could end up in a log. */
  @Override
  public int hashCode() {
    return Secret.class.hashCode();
  }

  /** Never the secret. */
  @Override
  public String toString() {
    return "Secret[hidden]";
  }

  private byte[] key() {
    byte[] key = symbols.clone();
    if (closed) {
      throw new ClosedException("the cluster secret was wiped; parse or generate it again");
    }
    return key;
  }

  /** 32 divides 256: each symbol stays as likely as any other. */
  private static byte[] fiveBitsEach(byte[] bytes) {
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] &= 31;
    }
    return bytes;
  }

  private static void update(Mac mac, byte[] part) {
    int n = part.length;
    mac.update(new byte[] {(byte) n, (byte) (n >> 8), (byte) (n >> 16), (byte) (n >> 24)});
    mac.update(part);
  }

  private static ClusterException missing(String algorithm, GeneralSecurityException cause) {
    return new ClusterException(
        "this Java runtime has no " + algorithm + ", which every platform should have", cause);
  }
}

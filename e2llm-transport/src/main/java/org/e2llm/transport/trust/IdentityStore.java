package org.e2llm.transport.trust;

import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.cluster.ClusterException;
import org.jspecify.annotations.Nullable;

/**
 * An identity kept in a folder, one per app. Two peers that run at once take two slots:
 *
 * <pre>
 *  identity-0.lock    held as long as a peer uses the slot; goes with the process
 *  identity-0.pem     PKCS #8 private key and certificate, as openssl reads them
 * </pre>
 *
 * Files and folder are the owner's only, where the file system can say so. A file that cannot be
 * used is replaced: the peer then is a new one to the others, which costs nothing but its id.
 */
public final class IdentityStore implements Closeable {
  private static final Logger LOG = Logger.getLogger(IdentityStore.class.getName());
  private static final int SLOTS = 64;
  private static final String KEY = "PRIVATE KEY";
  private static final String CERTIFICATE = "CERTIFICATE";

  /** EC key and certificate have about 900 bytes. */
  private static final int MAX_FILE_BYTES = 16 << 10;

  private final Identity identity;
  private final FileChannel lockFile;

  private IdentityStore(Identity identity, FileChannel lockFile) {
    this.identity = identity;
    this.lockFile = lockFile;
  }

  static IdentityStore open(Path folder) throws IOException {
    createPrivate(folder);
    for (int slot = 0; slot < SLOTS; slot++) {
      FileChannel lock = tryLock(folder.resolve("identity-" + slot + ".lock"));
      if (lock != null) {
        try {
          return new IdentityStore(readOrCreate(folder.resolve("identity-" + slot + ".pem")), lock);
        } catch (IOException | RuntimeException e) {
          lock.close();
          throw e;
        }
      }
    }
    throw new ClusterException(
        "all " + SLOTS + " identities in " + folder + " are in use by running peers");
  }

  public Identity identity() {
    return identity;
  }

  /** Lets another peer of this host have the slot. */
  @Override
  public void close() throws IOException {
    lockFile.close();
  }

  /** Null if another peer, of this process or another, holds it. */
  private static @Nullable FileChannel tryLock(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE), ownerOnly(file));
    FileLock lock = null;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException heldByThisProcess) {
      LOG.log(Level.FINEST, "in use", heldByThisProcess);
    } finally {
      if (lock == null) {
        channel.close();
      }
    }
    return lock == null ? null : channel;
  }

  private static Identity readOrCreate(Path file) throws IOException {
    if (Files.exists(file)) {
      try {
        return read(file);
      } catch (GeneralSecurityException | IllegalArgumentException e) {
        LOG.warning(file + " is no usable identity (" + e + "); a new one takes its place");
      }
    }
    Identity identity = Identity.create();
    write(file, identity);
    return identity;
  }

  private static Identity read(Path file) throws IOException, GeneralSecurityException {
    if (Files.size(file) > MAX_FILE_BYTES) {
      throw new IllegalArgumentException("more than " + MAX_FILE_BYTES + " bytes");
    }
    String pem = new String(Files.readAllBytes(file), StandardCharsets.US_ASCII);
    PrivateKey key =
        KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(part(pem, KEY)));
    X509Certificate certificate =
        (X509Certificate)
            CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(part(pem, CERTIFICATE)));
    Signature probe = Signature.getInstance("SHA256withECDSA");
    probe.initSign(key);
    byte[] signed = probe.sign();
    probe.initVerify(certificate);
    if (!probe.verify(signed)) {
      throw new IllegalArgumentException("the certificate is not that of the key");
    }
    return new Identity(key, certificate);
  }

  /** In one step: a crash leaves the old file, the new one, or none. */
  private static void write(Path file, Identity identity) throws IOException {
    byte[] certificate;
    try {
      certificate = identity.certificate().getEncoded();
    } catch (GeneralSecurityException e) {
      throw new IOException("the certificate has no DER form", e);
    }
    String pem = pem(KEY, identity.key().getEncoded()) + pem(CERTIFICATE, certificate);
    Path draft = file.resolveSibling(file.getFileName() + ".new");
    Files.deleteIfExists(draft);
    try (FileChannel channel =
        FileChannel.open(
            draft,
            Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
            ownerOnly(draft))) {
      ByteBuffer bytes = ByteBuffer.wrap(pem.getBytes(StandardCharsets.US_ASCII));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static String pem(String label, byte[] der) {
    Base64.Encoder encoder = Base64.getMimeEncoder(64, new byte[] {'\n'});
    return "-----BEGIN "
        + label
        + "-----\n"
        + encoder.encodeToString(der)
        + "\n-----END "
        + label
        + "-----\n";
  }

  private static byte[] part(String pem, String label) {
    String begin = "-----BEGIN " + label + "-----";
    int from = pem.indexOf(begin);
    int to = pem.indexOf("-----END " + label + "-----");
    if (from < 0 || to < from) {
      throw new IllegalArgumentException("no " + label + " in it");
    }
    return Base64.getMimeDecoder().decode(pem.substring(from + begin.length(), to));
  }

  private static void createPrivate(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      Path parent = folder.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      Files.createDirectories(folder, permissions(folder, "rwx------"));
    }
  }

  private static FileAttribute<?>[] ownerOnly(Path file) {
    return permissions(file, "rw-------");
  }

  private static FileAttribute<?>[] permissions(Path path, String permissions) {
    if (!path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      return new FileAttribute<?>[0];
    }
    Set<PosixFilePermission> set = PosixFilePermissions.fromString(permissions);
    return new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(set)};
  }
}

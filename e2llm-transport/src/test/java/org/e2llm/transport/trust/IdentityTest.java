package org.e2llm.transport.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.e2llm.cluster.ClusterException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdentityTest {
  @TempDir Path folder;

  @Test
  void certificateIsSignedByItsOwnKeyAndSaysNothingAboutTheDevice() throws Exception {
    Identity identity = Identity.create();
    X509Certificate certificate = identity.certificate();
    certificate.verify(certificate.getPublicKey());
    assertThat(certificate.getVersion()).isEqualTo(3);
    assertThat(certificate.getSigAlgName()).isEqualTo("SHA256withECDSA");
    assertThat(((ECPublicKey) certificate.getPublicKey()).getParams().getOrder().bitLength())
        .isEqualTo(256);
    assertThat(certificate.getSubjectX500Principal().getName()).isEqualTo("CN=e2llm");
    assertThat(certificate.getKeyUsage())
        .containsExactly(true, false, false, false, false, false, false, false, false);
    assertThatCode(
            () -> certificate.checkValidity(Date.from(Instant.parse("2020-01-02T00:00:00Z"))))
        .doesNotThrowAnyException();
    assertThatCode(
            () -> certificate.checkValidity(Date.from(Instant.parse("9999-12-31T00:00:00Z"))))
        .doesNotThrowAnyException();
  }

  @Test
  void idIsTheFirstHalfOfTheCertificatesHash() throws Exception {
    Identity identity = Identity.create();
    byte[] sha256 = Fingerprint.sha256(identity.certificate().getEncoded());
    assertThat(identity.fingerprint()).isEqualTo(sha256);
    assertThat(identity.id())
        .hasSize(32)
        .matches("[0-9a-f]+")
        .isEqualTo(Fingerprint.hex(sha256, 16));
    assertThat(Identity.create().id()).isNotEqualTo(identity.id());
    assertThat(identity.toString()).isEqualTo("Identity[" + identity.id() + "]");
  }

  @Test
  void identityIsTheSameAfterARestart() throws IOException {
    String id;
    try (IdentityStore first = Identity.open(folder)) {
      id = first.identity().id();
    }
    try (IdentityStore second = Identity.open(folder)) {
      assertThat(second.identity().id()).isEqualTo(id);
    }
  }

  @Test
  void twoPeersAtOnceAreTwoAndKeepTheirSlots() throws IOException {
    String first;
    String second;
    try (IdentityStore a = Identity.open(folder);
        IdentityStore b = Identity.open(folder)) {
      first = a.identity().id();
      second = b.identity().id();
      assertThat(second).isNotEqualTo(first);
    }
    try (IdentityStore a = Identity.open(folder);
        IdentityStore b = Identity.open(folder)) {
      assertThat(a.identity().id()).isEqualTo(first);
      assertThat(b.identity().id()).isEqualTo(second);
    }
  }

  @Test
  void onlyTheOwnerMayReadIt() throws IOException {
    Assumptions.assumeTrue(folder.getFileSystem().supportedFileAttributeViews().contains("posix"));
    Path own = folder.resolve("app").resolve("identity");
    Identity.open(own).close();
    assertThat(permissions(own)).isEqualTo("rwx------");
    assertThat(permissions(own.resolve("identity-0.pem"))).isEqualTo("rw-------");
    assertThat(permissions(own.resolve("identity-0.lock"))).isEqualTo("rw-------");
  }

  @Test
  void damagedFileIsReplaced() throws IOException {
    Identity.open(folder).close();
    Path file = folder.resolve("identity-0.pem");
    byte[] whole = Files.readAllBytes(file);
    for (byte[] damaged :
        new byte[][] {
          {},
          Arrays.copyOf(whole, 200),
          Arrays.copyOf(whole, whole.length - 60),
          "-----END PRIVATE KEY----------BEGIN PRIVATE KEY-----"
              .getBytes(StandardCharsets.US_ASCII),
          new byte[1 << 20]
        }) {
      Files.write(file, damaged);
      try (IdentityStore store = Identity.open(folder)) {
        assertThat(store.identity().id()).hasSize(32);
      }
      assertThat(Files.size(file)).isBetween(500L, 2000L);
    }
  }

  @Test
  void keyAndCertificateOfDifferentPeersAreNoIdentity() throws IOException {
    Identity.open(folder).close();
    Path file = folder.resolve("identity-0.pem");
    String mine = Files.readString(file);
    Files.delete(file);
    String other;
    try (IdentityStore store = Identity.open(folder)) {
      other = store.identity().id();
    }
    String theirs = Files.readString(file);
    int split = mine.indexOf("-----BEGIN CERTIFICATE");
    Files.writeString(
        file,
        mine.substring(0, split) + theirs.substring(theirs.indexOf("-----BEGIN CERTIFICATE")));
    try (IdentityStore store = Identity.open(folder)) {
      assertThat(store.identity().id()).isNotEqualTo(other);
    }
  }

  @Test
  void whenAllSlotsAreTakenTheErrorSaysSo() throws IOException {
    List<IdentityStore> stores = new ArrayList<>();
    try {
      for (int i = 0; i < 64; i++) {
        stores.add(Identity.open(folder));
      }
      assertThatThrownBy(() -> Identity.open(folder))
          .isInstanceOf(ClusterException.class)
          .hasMessageContaining("all 64");
    } finally {
      for (IdentityStore store : stores) {
        store.close();
      }
    }
  }

  @Test
  void openSslReadsItWhereItIsInstalled() throws Exception {
    Identity.open(folder).close();
    Process process;
    try {
      process =
          new ProcessBuilder(
                  "openssl",
                  "x509",
                  "-noout",
                  "-text",
                  "-in",
                  folder.resolve("identity-0.pem").toString())
              .redirectErrorStream(true)
              .start();
    } catch (IOException e) {
      Assumptions.abort("no openssl here: " + e.getMessage());
      return;
    }
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(text).contains("Digital Signature", "ecdsa-with-SHA256", "9999", "P-256");
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}

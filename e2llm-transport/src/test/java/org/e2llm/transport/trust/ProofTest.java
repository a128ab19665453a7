package org.e2llm.transport.trust;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.e2llm.cluster.Secret;
import org.junit.jupiter.api.Test;

class ProofTest {
  private static final Secret SECRET = Secret.generate();
  private static final byte[] SERVER = bytes(1);
  private static final byte[] CLIENT = bytes(2);
  private static final byte[] NONCE_C = bytes(3);
  private static final byte[] NONCE_S = bytes(4);

  @Test
  void holdersOfOneSecretAcceptEachOther() {
    Proof here = new Proof(SECRET, SERVER, CLIENT, NONCE_C, NONCE_S);
    Proof there = new Proof(Secret.parse(SECRET.reveal()), SERVER, CLIENT, NONCE_C, NONCE_S);
    assertThat(there.isServers(here.ofServer())).isTrue();
    assertThat(here.isClients(there.ofClient())).isTrue();
  }

  @Test
  void aProofSentBackIsNone() {
    Proof proof = new Proof(SECRET, SERVER, CLIENT, NONCE_C, NONCE_S);
    assertThat(proof.isClients(proof.ofServer())).isFalse();
    assertThat(proof.isServers(proof.ofClient())).isFalse();
  }

  @Test
  void aProofHoldsForItsSecretCertificatesAndNoncesOnly() {
    byte[] proof = new Proof(SECRET, SERVER, CLIENT, NONCE_C, NONCE_S).ofServer();
    byte[] other = bytes(5);
    assertThat(new Proof(Secret.generate(), SERVER, CLIENT, NONCE_C, NONCE_S).isServers(proof))
        .isFalse();
    assertThat(new Proof(SECRET, other, CLIENT, NONCE_C, NONCE_S).isServers(proof)).isFalse();
    assertThat(new Proof(SECRET, SERVER, other, NONCE_C, NONCE_S).isServers(proof)).isFalse();
    assertThat(new Proof(SECRET, CLIENT, SERVER, NONCE_C, NONCE_S).isServers(proof)).isFalse();
    assertThat(new Proof(SECRET, SERVER, CLIENT, other, NONCE_S).isServers(proof)).isFalse();
    assertThat(new Proof(SECRET, SERVER, CLIENT, NONCE_C, other).isServers(proof)).isFalse();
    assertThat(new Proof(SECRET, SERVER, CLIENT, NONCE_C, NONCE_S).isServers(new byte[0]))
        .isFalse();
  }

  @Test
  void discoveryTagDependsOnSecretAndClusterOnly() {
    Set<String> tags = new HashSet<>();
    tags.add(Proof.discoveryTag(SECRET, "kitchen"));
    tags.add(Proof.discoveryTag(Secret.parse(SECRET.reveal()), "kitchen"));
    assertThat(tags).hasSize(1).allMatch(tag -> tag.matches("[0-9a-f]{16}"));
    tags.add(Proof.discoveryTag(SECRET, "cellar"));
    tags.add(Proof.discoveryTag(Secret.generate(), "kitchen"));
    assertThat(tags).hasSize(3);
  }

  private static byte[] bytes(int value) {
    byte[] bytes = new byte[32];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }
}

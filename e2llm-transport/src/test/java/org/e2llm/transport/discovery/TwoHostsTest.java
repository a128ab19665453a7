package org.e2llm.transport.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Peers on two hosts with a LAN between them. */
class TwoHostsTest {
  private static final String TAG = "0123456789abcdef";

  @Test
  void peersFindEachOtherOverAnInterfaceThatComesLaterAndByIpv4AndIpv6() throws Exception {
    try (TwoHosts hosts = new TwoHosts();
        ChildProcess a = new ChildProcess(TwoHosts.on(hosts.a), "7001", TAG, "stay");
        ChildProcess b = new ChildProcess(TwoHosts.on(hosts.b), "7002", TAG, "stay")) {
      a.await("started");
      b.await("started");
      assertThat(a.saysLineWith("found")).isFalse();
      hosts.connect();
      a.await("found 7002", " 10.77.0.2", " fe80:", "%");
      b.await("found 7001", " 10.77.0.1", " fe80:", "%");

      b.end();
      a.await("gone 7002");
      assertThat(b.ends()).isTrue();
      assertThat(b.out).contains("closed true");
      assertThat(b.err).isEmpty();
      a.end();
      assertThat(a.ends()).isTrue();
      assertThat(a.err).isEmpty();
    }
  }
}

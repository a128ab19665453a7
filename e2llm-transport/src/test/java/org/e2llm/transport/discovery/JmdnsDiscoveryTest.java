package org.e2llm.transport.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Peers on one host, over loopback. */
class JmdnsDiscoveryTest {
  private static final String TAG = "0123456789abcdef";
  private static final String OTHER_TAG = "fedcba9876543210";

  @Test
  void twoPeersFindEachOtherAnotherTagIsIgnoredAndGoneIsNoticed() throws Exception {
    Loopback.requireMulticast();
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    JmdnsDiscovery a = new JmdnsDiscovery(Loopback::interfaces);
    JmdnsDiscovery b = new JmdnsDiscovery(Loopback::interfaces);
    JmdnsDiscovery stranger = new JmdnsDiscovery(Loopback::interfaces);
    JmdnsDiscovery onlyLooks = new JmdnsDiscovery(Loopback::interfaces);
    Heard heardByA = new Heard();
    Heard heardByB = new Heard();
    Heard heardByStranger = new Heard();
    Heard heardByLooker = new Heard();
    try {
      a.start(new Advertisement(7001, TAG), heardByA);
      stranger.start(new Advertisement(7003, OTHER_TAG), heardByStranger);
      b.start(new Advertisement(7002, TAG), heardByB);
      onlyLooks.start(new Advertisement(0, TAG), heardByLooker);
      Eventually.is("A finds B", () -> heardByA.hasPort(7002));
      Eventually.is("B finds A", () -> heardByB.hasPort(7001));
      Eventually.is("C finds A", () -> heardByLooker.hasPort(7001));
      Eventually.is("C finds B", () -> heardByLooker.hasPort(7002));

      assertThat(heardByA.present.values()).extracting(Candidate::port).containsExactly(7002);
      assertThat(heardByB.present.values()).extracting(Candidate::port).containsExactly(7001);
      assertThat(heardByStranger.present).isEmpty();
      Eventually.is("A hears of a stranger", () -> !heardByA.strangers.isEmpty());
      assertThat(heardByA.strangers.values()).extracting(Candidate::port).containsExactly(7003);
      Candidate seen = heardByA.present.values().iterator().next();
      assertThat(seen.key()).matches("[0-9a-f]{16}");
      assertThat(seen.addresses()).allMatch(address -> address.isLoopbackAddress());
      assertThat(a.interfaces())
          .anySatisfy(
              report -> {
                assertThat(report.lanInterface().loopback()).isTrue();
                assertThat(report.used()).isNotEmpty();
                assertThat(report.reason()).isEmpty();
              });

      b.close();
      b.close();
      Eventually.is("A misses B", () -> heardByA.present.isEmpty());
      assertThat(heardByA.gone).extracting(Candidate::port).containsExactly(7002);
      assertThat(newThreads(before)).allMatch(Thread::isDaemon);
    } finally {
      for (JmdnsDiscovery discovery : List.of(a, b, stranger, onlyLooks)) {
        discovery.close();
      }
    }
    for (JmdnsDiscovery discovery : List.of(a, b, stranger, onlyLooks)) {
      assertThat(discovery.awaitClosed(30_000)).isTrue();
    }
    Eventually.is("threads end", () -> newThreads(before).isEmpty());
    assertThat(heardByB.gone).as("no event after close").isEmpty();
  }

  @Test
  void aForgottenDiscoveryKeepsNoJvmAliveAndPrintsNothing() throws Exception {
    Loopback.requireMulticast();
    Heard heard = new Heard();
    try (JmdnsDiscovery other = new JmdnsDiscovery(Loopback::interfaces);
        ChildProcess forgetful =
            new ChildProcess(List.of(), "7012", "00112233", "forget", "loopback")) {
      other.start(new Advertisement(7011, "00112233"), heard);
      Eventually.is("the forgetful is found", () -> heard.hasPort(7012));
      forgetful.await("found 7011 127.0.0.1");
      forgetful.end();
      assertThat(forgetful.ends()).isTrue();
      assertThat(forgetful.exitValue()).isZero();
      assertThat(forgetful.err).isEmpty();
    }
  }

  @Test
  void aHostWithoutInterfacesIsNoError() throws Exception {
    JmdnsDiscovery discovery = new JmdnsDiscovery(List::of);
    discovery.start(new Advertisement(7020, TAG), new Heard());
    assertThat(discovery.interfaces()).isEmpty();
    discovery.close();
    assertThat(discovery.awaitClosed(1_000)).isTrue();
  }

  @Test
  void anAddressThatCannotBeUsedIsReportedWithItsReason() throws Exception {
    LanInterface loopback = Loopback.interfaces().get(0);
    LanInterface broken =
        new LanInterface(
            "broken0",
            List.of(java.net.InetAddress.getByName("2001:db8::1")),
            true,
            false,
            false,
            true,
            1500);
    JmdnsDiscovery discovery = new JmdnsDiscovery(() -> List.of(loopback, broken));
    discovery.start(new Advertisement(7021, TAG), new Heard());
    try {
      Eventually.is("the reason is known", () -> !discovery.interfaces().get(1).reason().isEmpty());
      InterfaceReport report = discovery.interfaces().get(1);
      assertThat(report.used()).isEmpty();
      assertThat(report.reason()).contains("2001:db8");
    } finally {
      discovery.close();
    }
  }

  /** Threads of ours and of jmDNS; others come and go with the JVM and the test framework. */
  private static Set<Thread> newThreads(Set<Thread> before) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> !before.contains(thread))
        .filter(
            thread ->
                thread.getName().startsWith("e2llm-")
                    || thread.getName().startsWith("SocketListener")
                    || thread.getName().contains("JmDNS"))
        .collect(Collectors.toSet());
  }
}

package org.e2llm.transport.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.e2llm.InvalidRequestException;
import org.e2llm.transport.discovery.StaticPeers.Pace;
import org.e2llm.transport.discovery.StaticPeers.Status;
import org.e2llm.transport.discovery.Unreachable.Cause;
import org.junit.jupiter.api.Test;

class StaticPeersTest {
  private static final Pace QUICK = new Pace(1_000_000, 8_000_000, 60_000_000_000L);
  private static final Pace IMPATIENT = new Pace(1_000_000, 8_000_000, 1_000_000);
  private static final StaticPeer PEER = new StaticPeer("127.0.0.1", 7000);

  private final List<List<InetSocketAddress>> dialled = new CopyOnWriteArrayList<>();

  @Test
  void isDialledAgainUntilConnectedAndAfterItIsLost() throws Exception {
    Unreachable refused = new Unreachable(Cause.REFUSED, "nobody there");
    StaticPeers[] peers = new StaticPeers[1];
    synchronized (dialled) {
      peers[0] =
          new StaticPeers(
              List.of(PEER),
              (peer, addresses) -> {
                synchronized (dialled) { // until the field is set
                  dialled.add(addresses);
                  if (dialled.size() == 3) {
                    peers[0].connected(peer);
                  } else {
                    peers[0].failed(peer, refused);
                  }
                }
              },
              QUICK,
              1);
    }
    try (StaticPeers all = peers[0]) {
      Eventually.is("connected", () -> all.status().get(0).connected());
      assertThat(dialled).hasSize(3);
      assertThat(dialled.get(0))
          .containsExactly(new InetSocketAddress(InetAddress.getLoopbackAddress(), 7000));
      assertThat(all.status()).containsExactly(new Status(PEER, true, 0, null));

      all.failed(PEER, Unreachable.because(new java.net.SocketException("Connection reset")));
      Eventually.is("dialled again", () -> dialled.size() > 4);
      Status status = all.status().get(0);
      assertThat(status.connected()).isFalse();
      assertThat(status.tries()).isPositive();
      assertThat(status.problem()).isIn(refused, null);
    }
  }

  @Test
  void aNameWithoutAddressIsTriedAgainAndSaysWhy() throws Exception {
    StaticPeer nowhere = new StaticPeer("no-such-host.invalid", 7000);
    try (StaticPeers peers =
        new StaticPeers(List.of(nowhere), (p, a) -> dialled.add(a), QUICK, 1)) {
      Eventually.is("tried again", () -> peers.status().get(0).tries() > 1);
      assertThat(peers.status().get(0).problem().cause()).isEqualTo(Cause.NAME);
      assertThat(dialled).isEmpty();
    }
  }

  @Test
  void aTryOfWhichNothingIsHeardCountsAsFailed() throws Exception {
    try (StaticPeers peers =
        new StaticPeers(List.of(PEER), (p, a) -> dialled.add(a), IMPATIENT, 1)) {
      Eventually.is("dialled again", () -> dialled.size() > 2);
      assertThat(peers.status().get(0).problem().cause()).isEqualTo(Cause.TIMEOUT);
    }
  }

  @Test
  void aDialerThatThrowsIsAFailedTry() throws Exception {
    try (StaticPeers peers =
        new StaticPeers(
            List.of(PEER),
            (p, a) -> {
              throw new IllegalStateException("closed");
            },
            QUICK,
            1)) {
      Eventually.is("tried again", () -> peers.status().get(0).tries() > 1);
      assertThat(peers.status().get(0).problem().text()).contains("closed");
    }
  }

  @Test
  void closedTriesNoMoreAndEndsItsThreads() throws Exception {
    StaticPeers peers = new StaticPeers(List.of(PEER), (p, a) -> dialled.add(a), QUICK, 1);
    Eventually.is("dialled", () -> !dialled.isEmpty());
    peers.close();
    peers.failed(PEER, Unreachable.turnedAway("wrong secret"));
    Eventually.is(
        "threads end",
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("e2llm-static-peers")));
    assertThat(dialled).hasSize(1);
  }

  @Test
  void readsHostsAndPorts() {
    assertThat(StaticPeer.parse("kitchen.local:7600"))
        .isEqualTo(new StaticPeer("kitchen.local", 7600))
        .hasToString("kitchen.local:7600");
    assertThat(StaticPeer.parse("[fd00::2]:7600"))
        .isEqualTo(new StaticPeer("fd00::2", 7600))
        .hasToString("[fd00::2]:7600");
    for (String bad : List.of("", "kitchen", ":7600", "a:b", "fd00::2", "a:0", "a:65536", "[]:1")) {
      assertThatThrownBy(() -> StaticPeer.parse(bad))
          .as(bad)
          .isInstanceOf(InvalidRequestException.class)
          .hasMessageContaining("expected");
    }
  }
}

package org.e2llm.transport.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.util.List;
import org.e2llm.transport.discovery.NetworkChecks.Result;
import org.e2llm.transport.discovery.Unreachable.Cause;
import org.junit.jupiter.api.Test;

class NetworkChecksTest {
  @Test
  void aPortThatIsTakenCannotBeListenedOnAndOneThatIsFreeCan() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      InetSocketAddress address =
          new InetSocketAddress(InetAddress.getLoopbackAddress(), taken.getLocalPort());
      Result result = NetworkChecks.listen(address);
      assertThat(result.good()).isFalse();
      assertThat(result.finding()).contains("another program has the port");
    }
    Result free = NetworkChecks.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    assertThat(free.good()).isTrue();
    assertThat(free.subject()).isEqualTo("listening on 127.0.0.1:0");
  }

  @Test
  void tellsAPortThatAnswersFromOneThatRefuses() throws Exception {
    int port;
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = server.getLocalPort();
      List<Result> open = NetworkChecks.connect(new StaticPeer("127.0.0.1", port), 5_000);
      assertThat(open).hasSize(1);
      assertThat(open.get(0).good()).isTrue();
      assertThat(open.get(0).seconds()).isPositive();
    }
    Result refused = NetworkChecks.connect(new StaticPeer("127.0.0.1", port), 5_000).get(0);
    assertThat(refused.good()).isFalse();
    assertThat(refused.finding()).contains("nobody listens on that port");
  }

  @Test
  void aNameWithoutAddressIsOneResult() {
    List<Result> results = NetworkChecks.connect(new StaticPeer("no-such-host.invalid", 1), 100);
    assertThat(results).hasSize(1);
    assertThat(results.get(0).finding()).contains("no address");
  }

  @Test
  void multicastOnAnAddressOfNobodyIsAFindingNotAnError() throws Exception {
    LanInterface nobody = new LanInterface("x0", List.of(), true, false, false, true, 1500);
    Result result = NetworkChecks.multicast(nobody, InetAddress.getByName("192.0.2.77"), 100);
    assertThat(result.good()).isFalse();
    assertThat(result.subject()).isEqualTo("multicast on x0 (192.0.2.77)");
  }

  @Test
  void saysWhatExceptionsMean() {
    assertThat(cause(new java.net.UnknownHostException("x"))).isEqualTo(Cause.NAME);
    assertThat(cause(new java.net.ConnectException("Connection refused"))).isEqualTo(Cause.REFUSED);
    assertThat(cause(new java.net.ConnectException("Connection timed out")))
        .isEqualTo(Cause.TIMEOUT);
    assertThat(cause(new SocketTimeoutException("connect timed out"))).isEqualTo(Cause.TIMEOUT);
    assertThat(cause(new NoRouteToHostException("No route to host"))).isEqualTo(Cause.NO_ROUTE);
    assertThat(cause(new java.net.SocketException("Network is unreachable")))
        .isEqualTo(Cause.NO_ROUTE);
    assertThat(cause(new java.net.SocketException("Operation not permitted")))
        .isEqualTo(Cause.FORBIDDEN);
    assertThat(cause(new java.io.IOException("Connection reset by peer"))).isEqualTo(Cause.LOST);
    assertThat(cause(new IllegalStateException("?"))).isEqualTo(Cause.OTHER);
    assertThat(Unreachable.turnedAway("wrong secret").cause()).isEqualTo(Cause.TURNED_AWAY);
  }

  private static Cause cause(Throwable thrown) {
    return Unreachable.because(thrown).cause();
  }
}

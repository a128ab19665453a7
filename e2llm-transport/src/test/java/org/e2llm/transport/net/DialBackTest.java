package org.e2llm.transport.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.e2llm.transport.trust.Identity;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A peer says whether it reaches us. */
@Timeout(60)
class DialBackTest {
  @Test
  void aPeerThatReachesUsSaysSo() throws Exception {
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      for (Lane lane : Lane.values()) {
        Connection connection = a.connect(b, lane);
        DialBack.Result result = a.endpoint.dialBack(connection).get(20, TimeUnit.SECONDS);
        assertThat(result).isEqualTo(new DialBack.Result(DialBack.Outcome.OPENED, ""));
      }
    }
  }

  @Test
  void aPortNobodyListensOnIsRefused() throws Exception {
    int free;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      free = socket.getLocalPort();
    }
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      PeerConnection connection = (PeerConnection) a.connect(b);
      CompletableFuture<DialBack.Result> result = new CompletableFuture<>();
      a.endpoint.loop().execute(() -> connection.dialBack(free).thenAccept(result::complete));
      assertThat(result.get(20, TimeUnit.SECONDS).outcome()).isEqualTo(DialBack.Outcome.REFUSED);
    }
  }

  @Test
  void whoIsAskedByConnectionThatEndsGivesNoAnswer() {
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      Connection connection = a.connect(b);
      connection.close("enough");
      assertThatThrownBy(() -> a.endpoint.dialBack(connection).get(20, TimeUnit.SECONDS))
          .hasMessageContaining("not open");
    }
  }

  @Test
  void whoDoesNotListenCannotAsk() {
    try (TestPeer listens = TestPeer.open();
        TestPeer dials =
            TestPeer.open(
                EndpointOptions.listening(), Identity.create(), TestPeer.SECRET, TestPeer.HELLO)) {
      Connection connection = dials.connect(listens);
      assertThatThrownBy(() -> dials.endpoint.dialBack(connection))
          .isInstanceOf(IllegalStateException.class);
    }
  }
}

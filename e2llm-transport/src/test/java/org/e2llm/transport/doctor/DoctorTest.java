package org.e2llm.transport.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.Secret;
import org.e2llm.transport.doctor.Finding.Area;
import org.e2llm.transport.doctor.Finding.Verdict;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.ConnectionListener;
import org.e2llm.transport.net.Endpoint;
import org.e2llm.transport.net.EndpointOptions;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.trust.Identity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each thing that keeps peers apart is told by its own words. */
@Timeout(60)
class DoctorTest {
  private static final Secret SECRET = Secret.generate();

  private final List<Endpoint> open = new ArrayList<>();

  @AfterEach
  void close() {
    open.forEach(Endpoint::close);
    open.forEach(each -> each.closed().join());
  }

  @Test
  void aPeerThatIsWellHasNothingToMend() throws Exception {
    Endpoint peer = peer(SECRET, Hello.of("kitchen", "laptop"));
    List<Finding> findings = examine(peer.address().getPort());
    assertThat(findings).noneMatch(each -> each.verdict() == Verdict.BAD);
    assertThat(of(Area.PEERS, findings))
        .anySatisfy(text -> assertThat(text).contains("laptop", "lets us in"))
        .anySatisfy(text -> assertThat(text).contains("laptop reaches this device"));
    Finding link =
        findings.stream().filter(each -> each.area() == Area.LINKS).findFirst().orElseThrow();
    assertThat(link.figures().get("bytesPerSecond")).isPositive();
    assertThat(link.figures().get("latencySeconds")).isBetween(0.0, 1.0);
  }

  @Test
  void anotherSecretIsSaid() throws Exception {
    assertThat(mend(peer(Secret.generate(), Hello.of("kitchen", ""))))
        .contains("holds another secret");
  }

  @Test
  void anotherClusterNameIsSaidWithBoth() throws Exception {
    assertThat(mend(peer(SECRET, Hello.of("garage", ""))))
        .contains("same secret, but differs", "kitchen", "garage");
  }

  @Test
  void anotherVersionIsSaidWithBoth() throws Exception {
    Hello later = new Hello(8, 9, "kitchen", "", java.util.Map.of(), List.of(), "");
    assertThat(mend(peer(SECRET, later))).contains("another version", "8 to 9", "1 to 1");
  }

  @Test
  void aPortNobodyListensOnIsSaid() throws Exception {
    int free;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      free = socket.getLocalPort();
    }
    assertThat(mend(free)).contains("nobody listens on that port");
  }

  @Test
  void somethingElseThatAnswersIsSaid() throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
      Thread hangsUp =
          new Thread(
              () -> {
                while (!socket.isClosed()) {
                  try {
                    socket.accept().close();
                  } catch (java.io.IOException e) {
                    return;
                  }
                }
              });
      hangsUp.setDaemon(true);
      hangsUp.start();
      assertThat(mend(socket.getLocalPort())).contains("no peer that holds this secret");
    }
  }

  @Test
  void aPortThatIsTakenIsSaid() throws Exception {
    Endpoint peer = peer(SECRET, Hello.of("kitchen", ""));
    Cluster cluster =
        Cluster.named("kitchen")
            .secret(SECRET)
            .withoutDiscovery()
            .listen("127.0.0.1", peer.address().getPort());
    assertThat(Doctor.examine(cluster, finding -> {}))
        .anySatisfy(
            finding -> {
              assertThat(finding.area()).isEqualTo(Area.LISTENING);
              assertThat(finding.verdict()).isEqualTo(Verdict.BAD);
              assertThat(finding.text()).contains("Another program has the port");
            });
  }

  @Test
  void nobodyToLookAtIsSaid() throws Exception {
    Cluster alone = Cluster.named("kitchen").secret(SECRET).withoutDiscovery();
    assertThat(of(Area.PEERS, Doctor.examine(alone.listen("127.0.0.1", 0), finding -> {})))
        .singleElement()
        .asString()
        .contains("--join HOST:PORT");
  }

  private String mend(Endpoint peer) throws InterruptedException {
    return mend(peer.address().getPort());
  }

  /** All that is to be mended of a peer. */
  private String mend(int port) throws InterruptedException {
    StringBuilder text = new StringBuilder();
    for (Finding finding : examine(port)) {
      if (finding.area() == Area.PEERS) {
        assertThat(finding.verdict()).isEqualTo(Verdict.BAD);
        text.append(finding.text()).append('\n');
      }
    }
    return text.toString();
  }

  private static List<Finding> examine(int port) throws InterruptedException {
    List<Finding> told = new ArrayList<>();
    Cluster cluster =
        Cluster.named("kitchen")
            .secret(SECRET)
            .withoutDiscovery()
            .listen("127.0.0.1", 0)
            .peer("127.0.0.1", port);
    List<Finding> findings = Doctor.examine(cluster, told::add);
    assertThat(told).isEqualTo(findings);
    return findings;
  }

  private static List<String> of(Area area, List<Finding> findings) {
    List<String> texts = new ArrayList<>();
    findings.stream().filter(each -> each.area() == area).forEach(each -> texts.add(each.text()));
    return texts;
  }

  private Endpoint peer(Secret secret, Hello hello) {
    Endpoint endpoint =
        Endpoint.open(
            EndpointOptions.listening(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)),
            Identity.create(),
            secret,
            hello,
            new ConnectionListener() {
              @Override
              public void opened(Connection connection, Hello theirs) {}

              @Override
              public void received(Connection connection, byte type, ByteBuffer payload) {}

              @Override
              public void closed(Connection connection, Throwable why) {}
            });
    open.add(endpoint);
    return endpoint;
  }
}

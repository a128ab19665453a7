package org.e2llm.transport.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.UnreachableException;
import org.e2llm.cluster.WrongSecretException;
import org.e2llm.transport.trust.Identity;
import org.e2llm.transport.wire.FrameType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Who is no peer, or behaves like none, ends its own connection. In every test two proper peers
 * talk meanwhile and must not notice.
 */
@Timeout(60)
class StrangersTest {
  private static final byte STEP = 0x21;

  private TestPeer server;
  private TestPeer friend;
  private Connection friends;
  private final AtomicInteger echoed = new AtomicInteger();

  @BeforeEach
  void twoPeersTalk() {
    server = TestPeer.open();
    friend = TestPeer.open();
    server.receiver =
        (connection, type, payload) ->
            connection.send(
                type, ByteBuffer.allocate(payload.remaining()).put(payload).flip(), null);
    friend.receiver = (connection, type, payload) -> echoed.incrementAndGet();
    friends = friend.connect(server);
    talk();
  }

  @AfterEach
  void theyStillTalkOverTheSameConnection() {
    try {
      talk();
      assertThat(friend.log(friends).closed).isNotDone();
      assertThat(server.log(server.connectionTo(friend, Lane.HOT)).closed).isNotDone();
    } finally {
      friend.close();
      server.close();
    }
  }

  private void talk() {
    int before = echoed.get();
    assertThat(friends.send(STEP, ByteBuffer.allocate(100), null)).isTrue();
    TestPeer.await(() -> echoed.get() > before);
  }

  @Test
  void plainGarbageIsRefused() throws IOException {
    for (String garbage :
        List.of("GET / HTTP/1.1\r\n\r\n", "\0\0\0\0\0\0\0\0\0\0\0\0", "\u0016\3\1")) {
      try (Socket socket = plain()) {
        socket.getOutputStream().write(garbage.getBytes(StandardCharsets.ISO_8859_1));
        socket.shutdownOutput();
        drain(socket);
      }
    }
    TestPeer.await(() -> server.refused.size() == 3);
    assertThat(server.refused).allMatch(UnreachableException.class::isInstance);
  }

  @Test
  void tlsWithoutACertificateIsRefused() throws Exception {
    SSLContext context = SSLContext.getInstance("TLSv1.3");
    context.init(new KeyManager[0], new TrustManager[] {new TrustsAll()}, null);
    try (SSLSocket socket =
        (SSLSocket)
            context
                .getSocketFactory()
                .createSocket(plain(), "peer", server.address().getPort(), true)) {
      socket.startHandshake();
      socket
          .getOutputStream()
          .write(Stranger.frame(32, FrameType.CHALLENGE, 0, 0, 0, new byte[32]));
      assertThat(drain(socket)).isZero();
    } catch (IOException alsoRefused) {
      assertThat(alsoRefused).isInstanceOfAny(SSLException.class, java.net.SocketException.class);
    }
    TestPeer.await(() -> server.refused.size() == 1);
  }

  @Test
  void olderTlsIsRefused() throws Exception {
    try (Socket plain = plain()) {
      // A ClientHello of TLS 1.2 without supported_versions.
      byte[] hello = new byte[] {0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3};
      byte[] rest = new byte[39];
      rest[33] = 0;
      rest[34] = 2;
      rest[35] = (byte) 0xc0;
      rest[36] = 0x2b;
      rest[37] = 1;
      plain.getOutputStream().write(hello);
      plain.getOutputStream().write(rest);
      assertThat(drain(plain)).isLessThan(20);
    }
    TestPeer.await(() -> server.refused.size() == 1);
  }

  @Test
  void withoutTheSecretAClientLearnsNothingButANonceAndAnHmac() throws IOException {
    try (Stranger stranger = new Stranger(server.address())) {
      stranger.send(FrameType.CHALLENGE, new byte[32]);
      assertThat(stranger.receive().payload()).hasSize(64);
      stranger.send(FrameType.PROOF, new byte[32]);
      assertThat(stranger.bytesUntilEnd()).isZero();
    }
    TestPeer.await(() -> server.refused.size() == 1);
    assertThat(server.refused.get(0)).isInstanceOf(WrongSecretException.class);
  }

  @Test
  void aProofThatIsSentBackIsRefused() throws IOException {
    try (Stranger stranger = new Stranger(server.address())) {
      stranger.send(FrameType.CHALLENGE, new byte[32]);
      byte[] proof = Arrays.copyOfRange(stranger.receive().payload(), 32, 64);
      stranger.send(FrameType.PROOF, proof);
      assertThat(stranger.bytesUntilEnd()).isZero();
    }
    TestPeer.await(() -> server.refused.size() == 1);
    assertThat(server.refused.get(0)).isInstanceOf(WrongSecretException.class);
  }

  @Test
  void aSpyBetweenTwoPeersCannotPassTheirProofsOn() throws Exception {
    // It speaks TLS with both, and hands on what they say.
    Identity spy = Identity.create();
    try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread relay =
          new Thread(
              () -> {
                try (Socket victim = listening.accept();
                    SSLSocket towards =
                        (SSLSocket)
                            new org.e2llm.transport.trust.PeerTls(spy)
                                .context()
                                .getSocketFactory()
                                .createSocket(victim, "victim", 1, true);
                    Stranger away = new Stranger(server.address(), spy)) {
                  towards.setUseClientMode(false);
                  towards.setNeedClientAuth(true);
                  towards.startHandshake();
                  byte[] challenge = towards.getInputStream().readNBytes(12 + 32);
                  away.sendRaw(challenge);
                  Stranger.Frame proof = away.receive();
                  towards
                      .getOutputStream()
                      .write(
                          Stranger.frame(
                              proof.payload().length, proof.type(), 0, 0, 0, proof.payload()));
                  drain(towards);
                } catch (IOException e) {
                  // Found out.
                }
              });
      relay.setDaemon(true);
      relay.start();
      try (TestPeer victim = TestPeer.open()) {
        assertThat(
                victim.failure(
                    new InetSocketAddress(
                        InetAddress.getLoopbackAddress(), listening.getLocalPort())))
            .isInstanceOf(WrongSecretException.class);
      }
      relay.join(20_000);
    }
  }

  @Test
  void framesBeforeTheProofAreRefused() throws IOException {
    byte[][] first = {
      Stranger.frame(0, 0x21, 0, 0, 0, new byte[0]),
      Stranger.frame(8, FrameType.PING, 0, 0, 0, new byte[8]),
      Stranger.frame(0xffff_ffff, FrameType.CHALLENGE, 0, 0, 0, new byte[0]),
      Stranger.frame(65, FrameType.CHALLENGE, 0, 0, 0, new byte[65]),
      Stranger.frame(31, FrameType.CHALLENGE, 0, 0, 0, new byte[31]),
      Stranger.frame(64, FrameType.PROOF, 0, 0, 0, new byte[64]),
      Stranger.frame(12288, FrameType.HELLO, 0, 0, 0, new byte[12288]),
      Stranger.frame(0, FrameType.REFUSED, 0, 0, 0, new byte[0])
    };
    for (byte[] frame : first) {
      try (Stranger stranger = new Stranger(server.address())) {
        stranger.sendRaw(frame);
        assertThat(stranger.bytesUntilEnd()).isZero();
      }
    }
    TestPeer.await(() -> server.refused.size() == first.length);
    assertThat(server.refused).allMatch(ProtocolException.class::isInstance);
  }

  @Test
  void brokenHellosAreRefused() throws IOException {
    byte[][] hellos = {
      {},
      {1, 0},
      {1, 0, 1, 0, (byte) 0xff, (byte) 0xff},
      {5, 0, 1, 0},
      new byte[40],
      new byte[12288]
    };
    for (byte[] hello : hellos) {
      try (Stranger stranger = new Stranger(server.address())) {
        stranger.prove(TestPeer.SECRET);
        stranger.send(FrameType.HELLO, hello);
        stranger.bytesUntilEnd();
      }
    }
    TestPeer.await(() -> server.refused.size() == hellos.length);
    assertThat(server.logs).hasSize(1);
  }

  @Test
  void replayedReorderedMangledAndOversizedFramesEndTheirConnection() throws IOException {
    byte[] none = {};
    byte[][] frames = {
      Stranger.frame(0, STEP, 0, 0, 0, none),
      Stranger.frame(0, STEP, 0, 0, 2, none),
      Stranger.frame(0, STEP, 0, 0, 4, none),
      Stranger.frame(0, STEP, 1, 0, 3, none),
      Stranger.frame(0, STEP, 0, 1, 3, none),
      Stranger.frame(0, 0x00, 0, 0, 3, none),
      Stranger.frame(0, 0x0f, 0, 0, 3, none),
      Stranger.frame(0, 0x50, 0, 0, 3, none),
      Stranger.frame(0, 0xff, 0, 0, 3, none),
      Stranger.frame(0xffff_ffff, STEP, 0, 0, 3, none),
      Stranger.frame(0x8000_0000, STEP, 0, 0, 3, none),
      Stranger.frame((64 << 20) + 1, STEP, 0, 0, 3, none),
      Stranger.frame(9, FrameType.PING, 0, 0, 3, new byte[9]),
      Stranger.frame(4, FrameType.PING, 0, 0, 3, new byte[4]),
      Stranger.frame(3, FrameType.BYE, 0, 0, 3, new byte[] {9, 0, 1}),
      Stranger.frame(16, FrameType.PROBE_RESULT, 0, 0, 3, bytes((byte) 0xff, 16)),
      Stranger.frame(32, FrameType.CHALLENGE, 0, 0, 3, new byte[32])
    };
    for (byte[] frame : frames) {
      try (Stranger stranger = Stranger.proven(server.address(), TestPeer.SECRET)) {
        stranger.sendRaw(frame);
        stranger.bytesUntilEnd();
      }
    }
    TestPeer.await(() -> server.openConnections() == 1);
    assertThat(server.logs.values())
        .filteredOn(log -> log.closed.isDone())
        .hasSize(frames.length)
        .allSatisfy(log -> assertThat(log.closed.join()).isInstanceOf(ProtocolException.class));
  }

  @Test
  void tlsRecordsThatAreFlippedOrCutEndTheirConnection() throws Exception {
    for (boolean cut : new boolean[] {false, true}) {
      int before = server.logs.size();
      try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
          TestPeer client = TestPeer.open()) {
        Mangler mangler = new Mangler(listening, server.address());
        Connection connection =
            TestPeer.get(
                client.endpoint.connect(
                    new InetSocketAddress(
                        InetAddress.getLoopbackAddress(), listening.getLocalPort()),
                    Lane.HOT));
        TestPeer.await(() -> server.logs.size() == before + 1);
        mangler.harm(cut);
        connection.send(STEP, ByteBuffer.allocate(1000), null);
        TestPeer.await(() -> server.openConnections() == 1);
        assertThat(TestPeer.get(client.log(connection).closed)).isNotNull();
        mangler.close();
      }
    }
  }

  @Test
  void aResetIsSeenAtOnce() throws IOException {
    Stranger stranger = Stranger.proven(server.address(), TestPeer.SECRET);
    TestPeer.await(() -> server.openConnections() == 2);
    stranger.socket.setSoLinger(true, 0);
    stranger.close();
    TestPeer.await(() -> server.openConnections() == 1);
  }

  @Test
  void oneByteNowAndThenIsGoneAfterThreeSeconds() throws IOException {
    long start = System.nanoTime();
    try (Socket socket = plain()) {
      OutputStream out = socket.getOutputStream();
      byte[] hello = {0x16, 3, 1, 2, 0, 1, 0, 1, (byte) 0xfc, 3, 3};
      assertThat(
              org.assertj.core.api.Assertions.catchThrowable(
                  () -> {
                    for (int i = 0; ; i++) {
                      out.write(i < hello.length ? hello[i] : 0);
                      TestPeer.sleep(100);
                      if (i > 300) {
                        throw new AssertionError("still connected");
                      }
                    }
                  }))
          .isInstanceOf(IOException.class);
    }
    assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.SECONDS.toNanos(2));
    TestPeer.await(() -> server.refused.size() == 1);
    assertThat(server.refused.get(0)).hasMessageContaining("within 3000 ms");
  }

  @Test
  void aProvenPeerThatWritesOneByteAtATimeIsStillUnderstood() throws IOException {
    try (Stranger stranger = Stranger.proven(server.address(), TestPeer.SECRET)) {
      byte[] frame = Stranger.frame(20, STEP, 0, 0, 3, new byte[20]);
      for (byte b : frame) {
        stranger.sendRaw(new byte[] {b});
      }
      Stranger.Frame back = stranger.receive();
      while (back.type() == FrameType.PING) {
        back = stranger.receive();
      }
      assertThat(back.payload()).hasSize(20);
    }
  }

  @Test
  void athousandHalfOpenConnectionsAreNoBurdenAndADiallerStillGetsIn() throws IOException {
    List<Socket> halfOpen = new ArrayList<>();
    try {
      long before = usedMemory();
      byte[] begun = {0x16, 3, 1, 2, 0, 1, 0, 1, (byte) 0xfc, 3, 3};
      for (int i = 0; i < 1000; i++) {
        Socket socket = plain();
        if (i % 2 == 0) {
          socket.getOutputStream().write(begun);
        }
        halfOpen.add(socket);
      }
      TestPeer.await(() -> server.refused.size() >= 1000 - 64);
      talk();
      try (TestPeer late = TestPeer.open()) {
        late.connect(server);
      }
      assertThat(usedMemory() - before).isLessThan(64L << 20);
      TestPeer.await(() -> server.refused.size() == 1000);
    } finally {
      for (Socket socket : halfOpen) {
        socket.close();
      }
    }
  }

  @Test
  void ofMoreThan64UnprovenTheOldestGoesForTheNewest() throws IOException {
    EndpointOptions base = TestPeer.listeningOnLoopback();
    EndpointOptions patient = base.withProofTimeout(Duration.ofMinutes(5));
    List<Socket> halfOpen = new ArrayList<>();
    try (TestPeer peer = TestPeer.open(patient)) {
      for (int i = 0; i < 100; i++) {
        halfOpen.add(new Socket(peer.address().getAddress(), peer.address().getPort()));
        halfOpen.get(i).setSoTimeout(20_000);
      }
      TestPeer.await(() -> peer.refused.size() == 36);
      assertThat(peer.refused).allMatch(why -> why.getMessage().contains("Gave way"));
      for (int i = 0; i < 36; i++) {
        assertThat(drain(halfOpen.get(i))).isZero();
      }
      friend.connect(peer);
      TestPeer.await(() -> peer.refused.size() == 37);
    } finally {
      for (Socket socket : halfOpen) {
        socket.close();
      }
    }
  }

  @Test
  void aServerThatIsNoPeerIsNamedToTheDialler() throws Exception {
    try (ServerSocket web = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      Thread thread =
          new Thread(
              () -> {
                try (Socket socket = web.accept()) {
                  socket.getInputStream().read();
                  socket
                      .getOutputStream()
                      .write(
                          "HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                } catch (IOException e) {
                  // The test sees it.
                }
              });
      thread.setDaemon(true);
      thread.start();
      assertThat(
              friend.failure(
                  new InetSocketAddress(InetAddress.getLoopbackAddress(), web.getLocalPort())))
          .isInstanceOf(UnreachableException.class)
          .hasMessageContaining("no peer of this cluster proved itself there");
    }
  }

  @Test
  void aServerThatNeverAnswersCostsTheDiallerThreeSeconds() throws IOException {
    EndpointOptions base = EndpointOptions.listening();
    EndpointOptions hasty = base.withProofTimeout(Duration.ofMillis(300));
    assertThat(base.proofTimeout()).isEqualTo(Duration.ofSeconds(3));
    try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        TestPeer client = TestPeer.open(hasty)) {
      assertThat(
              client.failure(
                  new InetSocketAddress(InetAddress.getLoopbackAddress(), silent.getLocalPort())))
          .isInstanceOf(UnreachableException.class)
          .hasMessageContaining("within 300 ms");
    }
  }

  @Test
  void everyOtherSecretIsRefusedWhoeverDials() {
    try (TestPeer other = TestPeer.open(Secret.generate())) {
      assertThat(other.failure(server.address())).isInstanceOf(WrongSecretException.class);
      assertThat(server.endpoint.connect(other.address(), Lane.HOT))
          .failsWithin(Duration.ofSeconds(20))
          .withThrowableOfType(java.util.concurrent.ExecutionException.class)
          .withCauseInstanceOf(WrongSecretException.class);
    }
  }

  private Socket plain() throws IOException {
    Socket socket = new Socket(server.address().getAddress(), server.address().getPort());
    socket.setSoTimeout(20_000);
    return socket;
  }

  /** Bytes until the other side ends it. */
  private static int drain(Socket socket) {
    int bytes = 0;
    try {
      InputStream in = socket.getInputStream();
      while (in.read() >= 0) {
        bytes++;
      }
    } catch (IOException theEndToo) {
      return bytes;
    }
    return bytes;
  }

  private static long usedMemory() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private static byte[] bytes(byte value, int count) {
    byte[] bytes = new byte[count];
    Arrays.fill(bytes, value);
    return bytes;
  }

  private static final class TrustsAll implements X509TrustManager {
    @Override
    public void checkClientTrusted(java.security.cert.X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(java.security.cert.X509Certificate[] chain, String type) {}

    @Override
    public java.security.cert.X509Certificate[] getAcceptedIssuers() {
      return new java.security.cert.X509Certificate[0];
    }
  }
}

package org.e2llm.transport.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ClusterMismatchException;
import org.e2llm.cluster.ConnectionClosedException;
import org.e2llm.cluster.ConnectionLostException;
import org.e2llm.cluster.IncompatibleVersionException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.UnreachableException;
import org.e2llm.cluster.WrongSecretException;
import org.e2llm.transport.trust.Identity;
import org.e2llm.transport.wire.FieldReader;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EndpointTest {
  private static final byte STEP = 0x21;

  @Test
  void bothSidesLearnWhoTheOtherIs() {
    Hello mine = Hello.of("kitchen", "laptop").withModel("m1", Map.of("kvType", "F16"));
    Hello theirs =
        Hello.of("kitchen", "phone").withModel("", Map.of("kvType", "F16", "batch", "8"));
    try (TestPeer a = TestPeer.open(mine);
        TestPeer b = TestPeer.open(theirs)) {
      Connection ab = a.connect(b, Lane.BULK);
      Connection ba = b.connectionTo(a, Lane.BULK);
      assertThat(ab.peer()).isEqualTo(b.endpoint.id());
      assertThat(ba.peer()).isEqualTo(a.endpoint.id());
      assertThat(ab.version()).isEqualTo(Hello.VERSION);
      assertThat(a.log(ab).hello).isEqualTo(theirs.withListen(b.endpoint.addresses()));
      assertThat(b.log(ba).hello).isEqualTo(mine.withListen(a.endpoint.addresses()));
    }
  }

  @Test
  void framesOfAllSizesArriveInOrderBothWays() {
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      Connection ab = a.connect(b);
      Connection ba = b.connectionTo(a, Lane.HOT);
      List<byte[]> payloads = new ArrayList<>();
      Random random = new Random(7);
      for (int size : new int[] {0, 1, 3, 8192, 16372, 16384, 16385, 100_000, 5_000_000, 17, 0}) {
        byte[] payload = new byte[size];
        random.nextBytes(payload);
        payloads.add(payload);
      }
      for (byte[] payload : payloads) {
        assertThat(ab.send(STEP, ByteBuffer.wrap(payload), null)).isTrue();
        assertThat(ba.send(STEP, ByteBuffer.wrap(payload), null)).isTrue();
      }
      for (List<byte[]> frames : List.of(a.log(ab).frames, b.log(ba).frames)) {
        TestPeer.await(() -> frames.size() == payloads.size());
        for (int i = 0; i < payloads.size(); i++) {
          assertThat(frames.get(i)).isEqualTo(payloads.get(i));
        }
      }
      ConnectionStats stats = ab.stats();
      long payloadBytes = payloads.stream().mapToLong(payload -> payload.length).sum();
      assertThat(stats.bytesSent()).isGreaterThanOrEqualTo(payloadBytes + 12L * payloads.size());
      assertThat(stats.wireBytesSent()).isGreaterThan(stats.bytesSent());
      assertThat(ab.queuedBytes()).isZero();
    }
  }

  @Test
  void manySmallFramesFromSeveralThreadsArriveWholeAndInOrderPerThread() throws Exception {
    int threads = 4;
    int each = 20_000;
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      AtomicInteger arrived = new AtomicInteger();
      AtomicInteger wrong = new AtomicInteger();
      long[] next = new long[threads];
      b.keepFrames = false;
      b.receiver =
          (connection, type, payload) -> {
            FieldReader in = new FieldReader(payload);
            if (in.i64("number") != next[in.i32("thread")]++) {
              wrong.incrementAndGet();
            }
            arrived.incrementAndGet();
          };
      Connection ab = a.connect(b);
      AtomicLong released = new AtomicLong();
      List<Thread> senders = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int thread = t;
        Thread sender =
            new Thread(
                () -> {
                  for (long i = 0; i < each; i++) {
                    ByteBuffer payload =
                        ByteBuffer.allocate(12)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(i)
                            .putInt(thread)
                            .flip();
                    ab.send(STEP, payload, released::incrementAndGet);
                  }
                });
        sender.start();
        senders.add(sender);
      }
      for (Thread sender : senders) {
        sender.join();
      }
      TestPeer.await(() -> arrived.get() == threads * each);
      TestPeer.await(() -> released.get() == threads * each);
      assertThat(wrong).hasValue(0);
    }
  }

  @Test
  void aPayloadIsTheCallersAgainOnceReleased() throws Exception {
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      Connection ab = a.connect(b);
      ByteBuffer payload = ByteBuffer.allocateDirect(300_000);
      for (int i = 0; i < 50; i++) {
        payload.clear();
        payload.putInt(0, i).putInt(payload.capacity() - 4, i);
        CountDownLatch released = new CountDownLatch(1);
        assertThat(ab.send(STEP, payload, released::countDown)).isTrue();
        assertThat(released.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(payload.hasRemaining()).isFalse();
        payload.putInt(0, -1).putInt(payload.capacity() - 4, -1);
      }
      List<byte[]> frames = b.log(b.connectionTo(a, Lane.HOT)).frames;
      TestPeer.await(() -> frames.size() == 50);
      for (int i = 0; i < 50; i++) {
        ByteBuffer frame = ByteBuffer.wrap(frames.get(i));
        assertThat(frame.getInt(0)).isEqualTo(i);
        assertThat(frame.getInt(frame.capacity() - 4)).isEqualTo(i);
      }
    }
  }

  @Test
  void payloadsOfALostConnectionAreReleasedToo() {
    EndpointOptions options = TestPeer.listeningOnLoopback();
    try (TestPeer a = TestPeer.open(options);
        TestPeer b = TestPeer.open()) {
      CountDownLatch stuck = new CountDownLatch(1);
      b.receiver = (connection, type, payload) -> awaitQuietly(stuck);
      Connection ab = a.connect(b);
      AtomicInteger released = new AtomicInteger();
      for (int i = 0; i < 100; i++) {
        assertThat(ab.send(STEP, ByteBuffer.allocate(1 << 20), released::incrementAndGet)).isTrue();
      }
      TestPeer.await(() -> ab.queuedBytes() > 0);
      ab.close("enough");
      assertThat(ab.send(STEP, ByteBuffer.allocate(1), released::incrementAndGet)).isFalse();
      assertThat(TestPeer.get(a.log(ab).closed)).isInstanceOf(ConnectionClosedException.class);
      assertThat(released).hasValue(100);
      stuck.countDown();
    }
  }

  @Test
  void moreQueuedThanAllowedEndsThatConnectionOnly() {
    EndpointOptions options = TestPeer.listeningOnLoopback().withMaxQueuedBytes(20 << 20);
    try (TestPeer a = TestPeer.open(options);
        TestPeer frozen = TestPeer.open();
        TestPeer c = TestPeer.open()) {
      CountDownLatch stuck = new CountDownLatch(1);
      frozen.receiver = (connection, type, payload) -> awaitQuietly(stuck);
      Connection toFrozen = a.connect(frozen);
      Connection toC = a.connect(c);
      AtomicInteger released = new AtomicInteger();
      int queued = 0;
      while (toFrozen.send(STEP, ByteBuffer.allocate(1 << 20), released::incrementAndGet)) {
        queued++;
      }
      assertThat(TestPeer.get(a.log(toFrozen).closed))
          .isInstanceOf(ConnectionLostException.class)
          .hasMessageContaining("20971520 bytes");
      assertThat(released).hasValue(queued);
      assertThat(toC.send(STEP, ByteBuffer.allocate(3), null)).isTrue();
      List<byte[]> frames = c.log(c.connectionTo(a, Lane.HOT)).frames;
      TestPeer.await(() -> frames.size() == 1);
      stuck.countDown();
    }
  }

  @Test
  void farewellAndItsReasonArriveAfterAllFrames() {
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      Connection ab = a.connect(b);
      Connection ba = b.connectionTo(a, Lane.HOT);
      for (int i = 0; i < 20; i++) {
        ab.send(STEP, ByteBuffer.allocate(100_000), null);
      }
      ab.close("going for a walk " + "x".repeat(2000));
      Throwable why = TestPeer.get(b.log(ba).closed);
      assertThat(why).isInstanceOf(ConnectionClosedException.class);
      assertThat(((ConnectionClosedException) why).byPeer()).isTrue();
      assertThat(((ConnectionClosedException) why).reason()).startsWith("going for a walk xxx");
      assertThat(b.log(ba).frames).hasSize(20);
      Throwable here = TestPeer.get(a.log(ab).closed);
      assertThat(((ConnectionClosedException) here).byPeer()).isFalse();
    }
  }

  @Test
  void whatTheListenerThrowsEndsThatConnectionAndTheOtherSideIsTold() {
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      b.receiver = (connection, type, payload) -> new FieldReader(payload).i64("session.id");
      Connection bulk = a.connect(b, Lane.BULK);
      Connection hot = a.connect(b, Lane.HOT);
      hot.send(STEP, ByteBuffer.allocate(7), null);
      assertThat(
              TestPeer.get(
                  b.log(b.connectionTo(a, Lane.BULK))
                      .closed
                      .copy()
                      .completeOnTimeout(null, 1, TimeUnit.MILLISECONDS)))
          .isNull();
      Throwable told = TestPeer.get(a.log(hot).closed);
      assertThat(told)
          .isInstanceOf(ConnectionClosedException.class)
          .hasMessageContaining("session.id needs 8 bytes, but only 7 are left");
      // Each side hears of it by itself, the other one perhaps sooner.
      TestPeer.get(
          CompletableFuture.anyOf(
              b.logs.values().stream()
                  .map(log -> log.closed)
                  .toArray(CompletableFuture<?>[]::new)));
      assertThat(b.logs.values())
          .filteredOn(log -> log.closed.isDone())
          .singleElement()
          .satisfies(log -> assertThat(log.closed.join()).isInstanceOf(ProtocolException.class));
      assertThat(bulk.send((byte) 0x31, ByteBuffer.allocate(8), null)).isTrue();
    }
  }

  @Test
  void ownMistakesInSendingAreNotedBeforeAnythingIsSent() {
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      Connection ab = a.connect(b);
      for (byte type : new byte[] {0x00, 0x01, 0x07, 0x50, (byte) 0x80}) {
        assertThatThrownBy(() -> ab.send(type, ByteBuffer.allocate(1), null))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThatThrownBy(() -> ab.send((byte) 0x10, ByteBuffer.allocate((4 << 20) + 1), null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("4194304 bytes");
    }
  }

  @Test
  void wrongSecretIsSaidToTheDiallerAndNothingElseIs() {
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open(Secret.generate())) {
      assertThat(a.failure(b.address()))
          .isInstanceOf(WrongSecretException.class)
          .hasMessageContaining("does not hold the secret of cluster \"kitchen\"");
      TestPeer.await(() -> b.refused.size() == 1);
      assertThat(b.logs).isEmpty();
    }
  }

  @Test
  void anotherClusterModelOrSettingIsRefusedNamingBoth() {
    mismatch(Hello.of("cellar", ""), "cluster name", "kitchen", "cellar");
    mismatch(TestPeer.HELLO.withModel("m2", Map.of()), "model", "m1", "m2");
    mismatch(
        TestPeer.HELLO.withModel("m1", Map.of("kvType", "Q8_0")), "setting kvType", "F16", "Q8_0");
  }

  private static void mismatch(Hello other, String subject, String ours, String theirs) {
    Hello hello = TestPeer.HELLO.withModel("m1", Map.of("kvType", "F16"));
    try (TestPeer a = TestPeer.open(hello);
        TestPeer b = TestPeer.open(other)) {
      ClusterMismatchException said = (ClusterMismatchException) a.failure(b.address());
      assertThat(said.subject()).isEqualTo(subject);
      assertThat(said.ours()).isEqualTo(ours);
      assertThat(said.theirs()).isEqualTo(theirs);
      assertThat(said).hasMessageContaining(ours).hasMessageContaining(theirs);
      TestPeer.await(() -> b.refused.size() == 1);
      ClusterMismatchException noted = (ClusterMismatchException) b.refused.get(0);
      assertThat(noted.ours()).isEqualTo(theirs);
      assertThat(noted.theirs()).isEqualTo(ours);
      assertThat(a.logs).isEmpty();
      assertThat(b.logs).isEmpty();
    }
  }

  @Test
  void theHighestCommonVersionIsSpokenAndWithoutOneBothRangesAreNamed() {
    try (TestPeer a = TestPeer.open(versions(2, 5));
        TestPeer neighbour = TestPeer.open(versions(1, 3));
        TestPeer old = TestPeer.open(versions(1, 1))) {
      assertThat(a.connect(neighbour).version()).isEqualTo(3);
      assertThat(neighbour.connectionTo(a, Lane.HOT).version()).isEqualTo(3);
      assertThat(a.failure(old.address()))
          .isInstanceOf(IncompatibleVersionException.class)
          .hasMessageContaining("1 to 1")
          .hasMessageContaining("2 to 5");
      TestPeer.await(() -> old.refused.size() == 1);
      assertThat(old.refused.get(0))
          .isInstanceOf(IncompatibleVersionException.class)
          .hasMessageContaining("this one 1 to 1");
    }
  }

  private static Hello versions(int min, int max) {
    return new Hello(min, max, "kitchen", "", Map.of(), List.of(), "");
  }

  @Test
  void dialledAddressThatLeadsNowhereSaysWhy() throws IOException {
    int free;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      free = socket.getLocalPort();
    }
    try (TestPeer a = TestPeer.open()) {
      assertThat(a.failure(new InetSocketAddress(InetAddress.getLoopbackAddress(), free)))
          .isInstanceOf(UnreachableException.class)
          .hasMessageContaining("refused");
      assertThat(a.failure(InetSocketAddress.createUnresolved("nowhere.invalid", 1)))
          .isInstanceOf(UnreachableException.class)
          .hasMessageContaining("nowhere.invalid");
      assertThat(a.failure(a.address()))
          .isInstanceOf(UnreachableException.class)
          .hasMessageContaining("this peer itself");
    }
  }

  @Test
  void severalAddressesAndIpv6AreListenedAt() throws IOException {
    InetAddress v6 = InetAddress.getByName("::1");
    try (ServerSocket socket = new ServerSocket(0, 1, v6)) {
      assertThat(socket.isBound()).isTrue();
    } catch (IOException e) {
      Assumptions.abort("no IPv6 loopback here: " + e.getMessage());
    }
    InetAddress v4 = InetAddress.getByName("127.0.0.1");
    EndpointOptions options =
        EndpointOptions.listening(new InetSocketAddress(v4, 0), new InetSocketAddress(v6, 0));
    try (TestPeer both = TestPeer.open(options);
        TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      List<InetSocketAddress> addresses = both.endpoint.addresses();
      assertThat(addresses).hasSize(2).allMatch(address -> address.getPort() > 0);
      Connection over4 = TestPeer.get(a.endpoint.connect(addresses.get(0), Lane.HOT));
      Connection over6 = TestPeer.get(b.endpoint.connect(addresses.get(1), Lane.HOT));
      assertThat(over4.remote()).isEqualTo(addresses.get(0));
      assertThat(over6.remote()).isEqualTo(addresses.get(1));
      assertThat(a.log(over4).hello.listen()).isEqualTo(addresses);
    }
  }

  @Test
  void anAddressThatIsTakenIsRefusedAndNothingIsLeft() {
    try (TestPeer a = TestPeer.open()) {
      EndpointOptions taken =
          EndpointOptions.listening(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), a.address());
      assertThatThrownBy(() -> TestPeer.open(taken))
          .isInstanceOf(ClusterException.class)
          .hasMessageContaining("Cannot listen at");
    }
    TestPeer.await(() -> netThreads().isEmpty());
  }

  @Test
  void aPeerThatOnlyDialsHasNoAddress() {
    try (TestPeer client = TestPeer.open(EndpointOptions.listening());
        TestPeer b = TestPeer.open()) {
      assertThat(client.address()).isNull();
      client.connect(b);
      assertThat(b.log(b.connectionTo(client, Lane.HOT)).hello.listen()).isEmpty();
    }
  }

  @Test
  void heartbeatsGiveTheRoundTripAndTheTimeOfTheLastSign() {
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      Connection ab = a.connect(b);
      TestPeer.await(() -> ab.stats().rttNanos() > 0);
      long first = ab.stats().lastReceivedNanos();
      TestPeer.await(() -> ab.stats().lastReceivedNanos() - first > 0);
      assertThat(ab.stats().minRttNanos()).isBetween(1L, ab.stats().rttNanos() * 2);
      Connection ba = b.connectionTo(a, Lane.HOT);
      TestPeer.await(() -> ba.stats().rttNanos() > 0);
      assertThat(a.log(ab).frames).isEmpty();
    }
  }

  @Test
  void aLinkIsMeasuredWhileOthersUseIt() {
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      Connection ab = a.connect(b, Lane.BULK);
      b.keepFrames = false;
      CompletableFuture<LinkEstimate> first = a.endpoint.measure(ab);
      for (int i = 0; i < 50; i++) {
        ab.send((byte) 0x31, ByteBuffer.allocate(10_000), null);
      }
      LinkEstimate estimate = TestPeer.get(first);
      assertThat(estimate.bytesPerSecond()).isGreaterThan(1e4);
      assertThat(estimate.latencySeconds()).isBetween(1e-7, 1.0);
      assertThat(estimate.bytes()).isBetween(64L << 10, 6L << 20);
      LinkEstimate second = TestPeer.get(a.endpoint.measure(ab));
      assertThat(second.bytesPerSecond()).isGreaterThan(1e4);
      TestPeer.await(() -> ab.stats().framesSent() >= 50 + 2 * 4);
      ab.close("done");
      TestPeer.get(a.log(ab).closed);
      assertThatThrownBy(() -> TestPeer.get(a.endpoint.measure(ab)))
          .isInstanceOf(ConnectionLostException.class);
    }
  }

  @Test
  void restartedPeerTakesThePlaceOfItsFormerSelf() {
    Identity identity = Identity.create();
    TestPeer before =
        TestPeer.open(TestPeer.listeningOnLoopback(), identity, TestPeer.SECRET, TestPeer.HELLO);
    try (TestPeer a = TestPeer.open()) {
      Connection stale = before.connect(a);
      Connection old = a.connectionTo(before, Lane.HOT);
      try (TestPeer after =
          TestPeer.open(
              TestPeer.listeningOnLoopback(), identity, TestPeer.SECRET, TestPeer.HELLO)) {
        Connection fresh = TestPeer.get(a.endpoint.connect(after.address(), Lane.HOT));
        assertThat(TestPeer.get(a.log(old).closed)).isInstanceOf(ConnectionClosedException.class);
        assertThat(a.log(fresh).closed).isNotDone();
        assertThat(TestPeer.get(before.log(stale).closed)).hasMessageContaining("took its place");
      }
    } finally {
      before.close();
    }
  }

  @Test
  void whenBothDialAtOnceOneConnectionPerLaneIsLeft() {
    for (int round = 0; round < 15; round++) {
      try (TestPeer a = TestPeer.open();
          TestPeer b = TestPeer.open()) {
        List<CompletableFuture<Connection>> dialled = new ArrayList<>();
        for (Lane lane : Lane.values()) {
          dialled.add(a.endpoint.connect(b.address(), lane));
          dialled.add(b.endpoint.connect(a.address(), lane));
          dialled.add(a.endpoint.connect(b.address(), lane));
        }
        for (CompletableFuture<Connection> future : dialled) {
          future.handle((connection, failure) -> null).join();
        }
        TestPeer.await(() -> a.openConnections() == 2 && b.openConnections() == 2);
        TestPeer.sleep(20);
        for (Lane lane : Lane.values()) {
          Connection ab = a.connectionTo(b, lane);
          Connection ba = b.connectionTo(a, lane);
          assertThat(ab.send(STEP, ByteBuffer.wrap(new byte[] {42}), null)).isTrue();
          TestPeer.await(() -> b.log(ba).frames.size() == 1);
        }
        assertThat(a.openConnections()).isEqualTo(2);
        assertThat(b.openConnections()).isEqualTo(2);
      }
    }
  }

  @Test
  void afterCloseNoThreadAndNoSocketIsLeftAndNothingCanBeDialled() throws IOException {
    int port;
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      a.connect(b, Lane.HOT);
      a.connect(b, Lane.BULK);
      port = b.address().getPort();
      CompletableFuture<Connection> unfinished = a.endpoint.connect(b.address(), Lane.BULK);
      a.close();
      assertThat(unfinished).isDone();
      assertThatThrownBy(() -> TestPeer.get(a.endpoint.connect(b.address(), Lane.HOT)))
          .isInstanceOf(ConnectionClosedException.class);
      TestPeer.await(() -> b.openConnections() == 0);
      assertThat(b.logs.values())
          .allSatisfy(log -> assertThat(log.closed.join()).hasMessageContaining("goes away"));
    }
    TestPeer.await(() -> netThreads().isEmpty());
    try (ServerSocket again = new ServerSocket()) {
      again.setReuseAddress(true);
      again.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    }
  }

  @Test
  void closingDoesNotWaitForAPeerThatReadsNothing() {
    try (TestPeer frozen = TestPeer.open()) {
      CountDownLatch stuck = new CountDownLatch(1);
      frozen.receiver = (connection, type, payload) -> awaitQuietly(stuck);
      TestPeer a = TestPeer.open();
      Connection toFrozen = a.connect(frozen);
      for (int i = 0; i < 100; i++) {
        toFrozen.send(STEP, ByteBuffer.allocate(1 << 20), null);
      }
      a.close();
      assertThat(a.log(toFrozen).closed).isDone();
      stuck.countDown();
    }
  }

  @Test
  void openingAndClosingManyTimesLeavesNoFilesOpen() {
    Assumptions.assumeTrue(
        ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean);
    UnixOperatingSystemMXBean system =
        (UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long before = 0;
    for (int round = 0; round < 40; round++) {
      if (round == 10) {
        before = system.getOpenFileDescriptorCount();
      }
      try (TestPeer a = TestPeer.open();
          TestPeer b = TestPeer.open()) {
        a.connect(b, Lane.HOT);
        b.connect(a, Lane.BULK);
        a.failure(a.address());
      }
    }
    // Each round has two selectors, two listening sockets and six others.
    assertThat(system.getOpenFileDescriptorCount() - before).isLessThan(30);
  }

  @Test
  void everyThreadIsADaemon() {
    try (TestPeer a = TestPeer.open();
        TestPeer b = TestPeer.open()) {
      a.connect(b);
      assertThat(netThreads()).isNotEmpty().allMatch(Thread::isDaemon);
    }
  }

  private static List<Thread> netThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("e2llm-net"))
        .toList();
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

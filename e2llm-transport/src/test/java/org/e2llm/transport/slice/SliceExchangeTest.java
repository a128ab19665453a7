package org.e2llm.transport.slice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.e2llm.E2llmException;
import org.e2llm.cluster.CacheFullException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;
import org.e2llm.transport.slice.SliceFrames.Kind;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SliceExchangeTest {
  private static final int MIB = 1 << 20;
  private static final int LAYERS = 8;
  private static final long PLENTY = 1L << 40;
  private static final SliceOptions QUICK =
      SliceOptions.defaults().withTimeout(Duration.ofMillis(700));

  @TempDir static Path shared;
  private static TestModel model;

  @TempDir Path folder;
  private final MemoryLan lan = new MemoryLan();
  private final List<String> excluded = Collections.synchronizedList(new ArrayList<>());
  private final List<E2llmException> failures = Collections.synchronizedList(new ArrayList<>());
  private final List<SliceProgress> progress = Collections.synchronizedList(new ArrayList<>());
  private final Map<Integer, AtomicInteger> served = new ConcurrentHashMap<>();

  @BeforeEach
  void writeAModelOnce() {
    if (model == null) {
      model = TestModel.write(shared, 1, LAYERS, 2 * MIB);
    }
  }

  @AfterEach
  void endEverybody() {
    lan.close();
  }

  @Test
  void aDeviceWithoutTheFileGetsJustWhatItsStageNeeds() throws Exception {
    MemoryLan.Peer holder = holder("holder");
    MemoryLan.Peer peer = fetcher("peer", cache("peer"));
    lan.connect(peer, holder);
    LayerRange layers = LayerRange.of(2, 5);
    await(peer.exchange.aim(List.of(layers), List.of()));
    SliceStatus status = peer.exchange.status();
    assertThat(status.bytesFetched()).isEqualTo(bytes(layers));
    assertThat(status.plan()).isEqualTo(new SliceProgress(bytes(layers), bytes(layers)));
    assertThat(holder.exchange.status().bytesServed()).isEqualTo(bytes(layers));
    assertThat(progress.get(progress.size() - 1).isComplete()).isTrue();
    assertHas("peer", layers);
  }

  @Test
  void progressIsToldOfAnAimThatIsReachedAtOnce() throws Exception {
    MemoryLan.Peer peer = fetcher("peer", cache("peer"));
    lan.connect(peer, holder("holder"));
    await(peer.exchange.aim(List.of(LayerRange.of(0, 4)), List.of()));
    LayerRange fewer = LayerRange.of(1, 3);
    await(peer.exchange.aim(List.of(fewer), List.of()));
    assertThat(progress.get(progress.size() - 1))
        .isEqualTo(new SliceProgress(bytes(fewer), bytes(fewer)));
  }

  @Test
  void ofThreePeersOneLiesOneDiesAndOneIsSlow() throws Exception {
    MemoryLan.Peer slow = holder("slow");
    slow.nanosPerByte = 100; // 10 MB/s
    MemoryLan.Peer liar = holder("liar");
    liar.tamper =
        (type, payload) -> {
          if (isPiece(type, payload, Kind.LEAF)) {
            payload[payload.length / 2] ^= 1;
          }
          return payload;
        };
    MemoryLan.Peer mortal = holder("mortal");
    AtomicInteger pieces = new AtomicInteger();
    mortal.tamper =
        (type, payload) -> {
          if (isPiece(type, payload, Kind.LEAF) && pieces.incrementAndGet() == 5) {
            mortal.vanish();
          }
          return payload;
        };
    MemoryLan.Peer peer = fetcher("peer", cache("peer"));
    for (MemoryLan.Peer other : List.of(slow, liar, mortal)) {
      lan.connect(peer, other);
    }
    LayerRange all = LayerRange.of(0, LAYERS);
    await(peer.exchange.aim(List.of(all), List.of()));
    assertHas("peer", all);
    assertThat(excluded).containsExactly("liar");
    assertThat(peer.exchange.status().excluded()).containsExactly("liar");
    assertThat(pieces.get()).isGreaterThanOrEqualTo(5);
    assertThat(failures).isEmpty();
  }

  @Test
  void whoSendsWrongHashesIsNotAskedAgainEither() throws Exception {
    MemoryLan.Peer liar = holder("liar");
    liar.tamper =
        (type, payload) -> {
          if (isPiece(type, payload, Kind.HASHES)) {
            payload[40] ^= 1;
          }
          return payload;
        };
    MemoryLan.Peer peer = fetcher("peer", cache("peer"));
    lan.connect(peer, liar);
    CompletableFuture<Void> done = peer.exchange.aim(List.of(LayerRange.of(0, 2)), List.of());
    eventually(() -> excluded.contains("liar"));
    assertThat(done).isNotDone();
    eventually(() -> peer.exchange.status().withoutHolder().containsAll(List.of(0, 1)));
    lan.connect(peer, holder("honest"));
    await(done);
    assertHas("peer", LayerRange.of(0, 2));
  }

  @Test
  void aManifestThatIsNotTheModelsIsTakenFromSomebodyElse() throws Exception {
    MemoryLan.Peer liar = holder("liar");
    liar.tamper =
        (type, payload) -> {
          if (isPiece(type, payload, Kind.MANIFEST)) {
            payload[payload.length - 1] ^= 1;
          }
          return payload;
        };
    MemoryLan.Peer peer = fetcher("peer", cache("peer"));
    lan.connect(peer, liar);
    CompletableFuture<Void> done = peer.exchange.aim(List.of(LayerRange.of(7, 8)), List.of());
    eventually(() -> excluded.contains("liar"));
    lan.connect(peer, holder("honest"));
    await(done);
    assertHas("peer", LayerRange.of(7, 8));
  }

  @Test
  void whoIsSilentIsPassedOver() throws Exception {
    MemoryLan.Peer silent = holder("silent");
    silent.tamper = (type, payload) -> isPiece(type, payload, Kind.LEAF) ? null : payload;
    MemoryLan.Peer peer = fetcher("peer", cache("peer"));
    lan.connect(peer, silent);
    CompletableFuture<Void> done = peer.exchange.aim(List.of(LayerRange.of(0, 4)), List.of());
    eventually(() -> silent.exchange.status().leavesServed() > 0);
    lan.connect(peer, holder("other"));
    await(done);
    assertHas("peer", LayerRange.of(0, 4));
    assertThat(excluded).isEmpty();
  }

  @Test
  void afterARestartNothingIsFetchedTwice() throws Exception {
    MemoryLan.Peer holder = holder("holder");
    Path cache = cache("peer");
    CountDownLatch half = new CountDownLatch(9);
    holder.tamper =
        (type, payload) -> {
          if (isPiece(type, payload, Kind.LEAF)) {
            if (half.getCount() == 0) {
              return null; // What comes later never arrives before the restart.
            }
            half.countDown();
            served.computeIfAbsent(leafOf(payload), leaf -> new AtomicInteger()).incrementAndGet();
          }
          return payload;
        };
    MemoryLan.Peer first = fetcher("peer", cache);
    lan.connect(first, holder);
    LayerRange all = LayerRange.of(0, LAYERS);
    CompletableFuture<Void> never = first.exchange.aim(List.of(all), List.of());
    assertThat(half.await(20, TimeUnit.SECONDS)).isTrue();
    eventually(() -> first.exchange.status().leavesFetched() == 9);
    first.vanish();
    first.exchange.close();
    assertThatThrownBy(() -> await(never)).isInstanceOf(CancellationException.class);

    holder.tamper =
        (type, payload) -> {
          if (isPiece(type, payload, Kind.LEAF)) {
            served.computeIfAbsent(leafOf(payload), leaf -> new AtomicInteger()).incrementAndGet();
          }
          return payload;
        };
    MemoryLan.Peer again = fetcher("peer", cache);
    lan.connect(again, holder);
    await(again.exchange.aim(List.of(all), List.of()));
    assertHas("peer", all);
    assertThat(served.values()).allMatch(times -> times.get() == 1);
    assertThat(again.exchange.status().leavesFetched()).isEqualTo(served.size() - 9L);
  }

  @Test
  void aBrokenConnectionCostsNoLeafThatCame() throws Exception {
    MemoryLan.Peer holder = holder("holder");
    AtomicInteger pieces = new AtomicInteger();
    AtomicInteger broken = new AtomicInteger();
    holder.tamper =
        (type, payload) -> {
          if (isPiece(type, payload, Kind.LEAF)) {
            if (pieces.incrementAndGet() % 4 == 0) {
              holder.vanish();
              broken.incrementAndGet();
              return null;
            }
            served.computeIfAbsent(leafOf(payload), leaf -> new AtomicInteger()).incrementAndGet();
          }
          return payload;
        };
    MemoryLan.Peer peer = fetcher("peer", cache("peer"));
    CompletableFuture<Void> done = peer.exchange.aim(List.of(LayerRange.of(0, LAYERS)), List.of());
    for (int i = 0; i < 100 && !done.isDone(); i++) {
      int seen = broken.get();
      lan.connect(peer, holder);
      eventually(() -> done.isDone() || broken.get() > seen);
    }
    await(done);
    assertHas("peer", LayerRange.of(0, LAYERS));
    assertThat(peer.exchange.status().bytesRepeated()).isZero();
  }

  @Test
  void whoFetchesServesWhatItHas() throws Exception {
    MemoryLan.Peer holder = holder("holder");
    MemoryLan.Peer first = fetcher("first", cache("first"));
    lan.connect(first, holder);
    await(first.exchange.aim(List.of(LayerRange.of(3, 6)), List.of()));
    holder.vanish();
    MemoryLan.Peer second = fetcher("second", cache("second"));
    lan.connect(second, first);
    await(second.exchange.aim(List.of(LayerRange.of(4, 6)), List.of()));
    assertHas("second", LayerRange.of(4, 6));
    CompletableFuture<Void> more = second.exchange.aim(List.of(LayerRange.of(4, 7)), List.of());
    eventually(() -> second.exchange.status().withoutHolder().equals(List.of(6)));
    assertThat(more).isNotDone();
    lan.connect(second, holder("another"));
    await(more);
  }

  @Test
  void twoThatNeedTheSameHelpEachOther() throws Exception {
    MemoryLan.Peer holder = holder("holder");
    holder.nanosPerByte = 100; // 10 MB/s
    MemoryLan.Peer one = fetcher("one", cache("one"));
    MemoryLan.Peer two = fetcher("two", cache("two"));
    lan.connect(one, holder);
    lan.connect(two, holder);
    lan.connect(one, two);
    LayerRange all = LayerRange.of(0, 5);
    CompletableFuture<Void> first = one.exchange.aim(List.of(all), List.of());
    await(two.exchange.aim(List.of(all), List.of()));
    await(first);
    assertHas("one", all);
    assertHas("two", all);
    long between = one.exchange.status().leavesServed() + two.exchange.status().leavesServed();
    assertThat(between).isPositive();
  }

  @Test
  void whenThePlanChangesTheOldOneIsNotFetched() throws Exception {
    MemoryLan.Peer holder = holder("holder");
    CountDownLatch started = new CountDownLatch(2);
    CountDownLatch changed = new CountDownLatch(1);
    holder.tamper =
        (type, payload) -> {
          if (isPiece(type, payload, Kind.LEAF)) {
            started.countDown();
            if (started.getCount() == 0) {
              waitFor(changed);
            }
          }
          return payload;
        };
    MemoryLan.Peer peer = fetcher("peer", cache("peer"));
    lan.connect(peer, holder);
    CompletableFuture<Void> before = peer.exchange.aim(List.of(LayerRange.of(0, 4)), List.of());
    assertThat(started.await(20, TimeUnit.SECONDS)).isTrue();
    CompletableFuture<Void> after = peer.exchange.aim(List.of(LayerRange.of(6, 8)), List.of());
    assertThatThrownBy(() -> await(before)).isInstanceOf(CancellationException.class);
    changed.countDown();
    await(after);
    assertHas("peer", LayerRange.of(6, 8));
    // At most what was on its way when the plan changed.
    assertThat(peer.exchange.status().bytesFetched())
        .isLessThanOrEqualTo(
            bytes(LayerRange.of(6, 8)) + SliceOptions.defaults().maxBytesInFlight());
    assertThat(holder.exchange.status().leavesServed())
        .isLessThan(model.layout().tensors().size() * 2L);
  }

  @Test
  void standbyComesAfterThePlanAndNothingElseComes() throws Exception {
    MemoryLan.Peer holder = holder("holder");
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    holder.tamper =
        (type, payload) -> {
          if (isPiece(type, payload, Kind.LEAF)) {
            order.add(leafOf(payload));
          }
          return payload;
        };
    MemoryLan.Peer peer =
        fetcher("peer", cache("peer"), QUICK.withStandbyBytesPerSecond(64 << 20), PLENTY);
    lan.connect(peer, holder);
    LayerRange plan = LayerRange.of(1, 3);
    LayerRange standby = LayerRange.of(3, 5);
    await(peer.exchange.aim(List.of(plan), List.of(standby)));
    eventually(() -> peer.exchange.status().standby().isComplete());
    assertHas("peer", LayerRange.of(1, 5));
    assertThat(peer.exchange.status().bytesFetched()).isEqualTo(bytes(LayerRange.of(1, 5)));
    Leaves leaves = leaves();
    BitSet planned = leaves.needed(model.layout(), List.of(plan));
    assertThat(order.subList(0, planned.cardinality())).allMatch(planned::get);
  }

  @Test
  void aCacheThatIsTooSmallSaysSoBeforeAnythingIsFetched() throws Exception {
    MemoryLan.Peer holder = holder("holder");
    MemoryLan.Peer peer = fetcher("peer", cache("peer"), QUICK, 3L * MIB);
    lan.connect(peer, holder);
    CompletableFuture<Void> done = peer.exchange.aim(List.of(LayerRange.of(2, 5)), List.of());
    assertThatThrownBy(() -> await(done))
        .isInstanceOf(CacheFullException.class)
        .hasMessageContaining("bytes are missing");
    assertThat(holder.exchange.status().leavesServed()).isZero();
    await(peer.exchange.aim(List.of(LayerRange.of(2, 3)), List.of(LayerRange.of(3, 8))));
    assertHas("peer", LayerRange.of(2, 3));
    assertThat(peer.exchange.status().standby().totalBytes()).isZero();
  }

  @Test
  void twoPeersOfOneHostFetchIntoOneFolder() throws Exception {
    MemoryLan.Peer holder = holder("holder");
    Path cache = cache("both");
    MemoryLan.Peer one = fetcher("one", cache);
    MemoryLan.Peer two = fetcher("two", cache);
    lan.connect(one, holder);
    lan.connect(two, holder);
    CompletableFuture<Void> low = one.exchange.aim(List.of(LayerRange.of(0, 4)), List.of());
    await(two.exchange.aim(List.of(LayerRange.of(4, LAYERS)), List.of()));
    await(low);
    assertHas("both", LayerRange.of(0, LAYERS));
    long before = holder.exchange.status().leavesServed();
    await(one.exchange.aim(List.of(LayerRange.of(0, LAYERS)), List.of()));
    assertThat(holder.exchange.status().leavesServed()).isEqualTo(before);
  }

  @Test
  void aPeerOfAnotherModelIsNeitherAskedNorServedWrongly() throws Exception {
    TestModel another = TestModel.write(folder, 99, 3, MIB);
    MemoryLan.Peer stranger =
        lan.join("stranger", SliceExchange.serving(another.full(), new SliceEvents() {}));
    MemoryLan.Peer peer = fetcher("peer", cache("peer"));
    lan.connect(peer, stranger);
    CompletableFuture<Void> done = peer.exchange.aim(List.of(LayerRange.of(0, 1)), List.of());
    lan.connect(peer, holder("holder"));
    await(done);
    assertThat(stranger.exchange.status().leavesServed()).isZero();
    assertThat(excluded).isEmpty();
  }

  @Test
  void aModelWhoseFileChangesIsNoLongerServed() throws Exception {
    TestModel changing = TestModel.write(folder, 50, 6, 4 * MIB);
    FullModel full = changing.full();
    String id = full.manifest().modelId();
    MemoryLan.Peer holder =
        lan.join(
            "holder",
            SliceExchange.serving(
                full,
                new SliceEvents() {
                  @Override
                  public void failed(E2llmException why) {
                    failures.add(why);
                  }
                }));
    holder.nanosPerByte = 200; // 5 MB/s: long enough that it looks at the file again.
    SliceExchange exchange =
        SliceExchange.fetching(
            "peer",
            id,
            SliceStore.open(cache("peer"), PLENTY),
            changing::at,
            QUICK,
            new SliceEvents() {
              @Override
              public void ready(ModelSource source, ModelLayout layout) {
                try {
                  Path path = changing.paths().get(0);
                  byte[] bytes = Files.readAllBytes(path);
                  Files.write(path, Arrays.copyOf(bytes, bytes.length + 1));
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              }
            });
    MemoryLan.Peer peer = lan.join("peer", exchange);
    lan.connect(peer, holder);
    CompletableFuture<Void> done = exchange.aim(List.of(LayerRange.of(0, 6)), List.of());
    eventually(() -> !failures.isEmpty());
    assertThat(failures.get(0)).hasMessageContaining("was changed while it was in use");
    eventually(() -> !exchange.status().withoutHolder().isEmpty());
    assertThat(done).isNotDone();
    assertThat(exchange.status().excluded()).isEmpty();
  }

  @Test
  void askingForMoreThanIsAllowedEndsTheConnection() {
    MemoryLan.Peer holder = holder("holder");
    CountDownLatch never = new CountDownLatch(1);
    MemoryLan.Peer peer = fetcher("peer", cache("peer"));
    lan.connect(peer, holder);
    holder.nanosPerByte = 1000;
    MemoryLan.Wire wire = peer.wires.get(0);
    boolean open = true;
    for (int i = 0; i < 500 && open; i++) {
      ByteBuffer get = ByteBuffer.allocate(5).order(ByteOrder.LITTLE_ENDIAN);
      get.put((byte) Kind.LEAF.ordinal()).putInt(1).flip();
      open = wire.send(SliceFrames.GET, get, null);
    }
    eventually(() -> !wire.send(SliceFrames.GET, ByteBuffer.allocate(0), null));
    assertThat(never.getCount()).isEqualTo(1);
  }

  @Test
  void nothingIsLeftBehind() throws Exception {
    MemoryLan.Peer holder = holder("holder");
    MemoryLan.Peer peer = fetcher("peer", cache("peer"));
    lan.connect(peer, holder);
    await(peer.exchange.aim(List.of(LayerRange.of(0, 2)), List.of()));
    lan.close();
    eventually(
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("e2llm-slice")));
  }

  // ---- helpers

  private MemoryLan.Peer holder(String id) {
    return lan.join(id, SliceExchange.serving(model.full(), new SliceEvents() {}));
  }

  private MemoryLan.Peer fetcher(String id, Path cache) {
    return fetcher(id, cache, QUICK, PLENTY);
  }

  private MemoryLan.Peer fetcher(String id, Path cache, SliceOptions options, long cacheBytes) {
    SliceEvents events =
        new SliceEvents() {
          @Override
          public void progress(SliceProgress plan, SliceProgress standby) {
            progress.add(plan);
          }

          @Override
          public void excluded(String peer, String why) {
            excluded.add(peer);
          }

          @Override
          public void failed(E2llmException why) {
            failures.add(why);
          }
        };
    String modelId;
    try (FullModel full = model.full()) {
      modelId = full.manifest().modelId();
    }
    return lan.join(
        id,
        SliceExchange.fetching(
            id, modelId, SliceStore.open(cache, cacheBytes), model::at, options, events));
  }

  private Path cache(String name) {
    return folder.resolve("cache-" + name);
  }

  private static Leaves leaves() {
    try (FullModel full = model.full()) {
      return full.manifest().leaves();
    }
  }

  private static long bytes(LayerRange layers) {
    return model.layout().tensors().stream()
        .filter(tensor -> model.layout().needs(layers, tensor))
        .mapToLong(ModelLayout.Tensor::bytes)
        .sum();
  }

  /** The file in the cache has the right bytes of every tensor that a stage of the range reads. */
  private void assertHas(String cache, LayerRange layers) throws IOException {
    Path file;
    try (var models = Files.list(cache(cache))) {
      file =
          models
              .filter(path -> path.getFileName().toString().length() == 64)
              .findFirst()
              .orElseThrow()
              .resolve("model.gguf");
    }
    for (ModelLayout.Tensor tensor : model.layout().tensors()) {
      if (model.layout().needs(layers, tensor)) {
        assertThat(TestModel.bytes(tensor, file))
            .as(tensor.name())
            .isEqualTo(TestModel.bytes(tensor, model.paths().get(0)));
      }
    }
  }

  private static boolean isPiece(byte type, byte[] payload, Kind kind) {
    return type == SliceFrames.PIECE && payload[0] == kind.ordinal();
  }

  private static int leafOf(byte[] piece) {
    return ByteBuffer.wrap(piece).order(ByteOrder.LITTLE_ENDIAN).getInt(1);
  }

  private static void waitFor(CountDownLatch latch) {
    try {
      latch.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void await(CompletableFuture<?> future) throws Exception {
    try {
      future.get(30, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    } catch (TimeoutException e) {
      throw new AssertionError("it did not happen", e);
    }
  }

  private static void eventually(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("it did not happen within 20 s");
      }
      try {
        Thread.sleep(2);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }
}

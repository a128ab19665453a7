package org.e2llm.samples.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.e2llm.samples.Until.until;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.e2llm.E2llm;
import org.e2llm.Generation;
import org.e2llm.GenerationRequest;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterEvent;
import org.e2llm.cluster.ClusterMismatchException;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.NoCopyException;
import org.e2llm.cluster.NoModelException;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.Share;
import org.e2llm.cluster.SliceCache;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.samples.Plans;
import org.e2llm.samples.Until;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Devices and callers without the model's file, over real connections on loopback. */
@Timeout(120)
class SlicesTest {
  private static final Path MODEL = Path.of("models/stories260K-F32.gguf");
  private static final String PROMPT = "Once upon a time, there was a little girl";

  @TempDir Path folder;
  private final Secret secret = Secret.generate();
  private final List<E2llm> peers = new ArrayList<>();
  private final Map<E2llm, ConcurrentLinkedQueue<ClusterEvent>> events = new ConcurrentHashMap<>();
  private ModelSpec model;
  private String expected;

  @BeforeEach
  void alone() {
    try (E2llm llm = E2llm.builder().model(MODEL).threads(1).open()) {
      model = llm.modelSpec();
      expected = llm.generate(request(120)).await().text();
    }
  }

  @AfterEach
  void close() {
    peers.forEach(E2llm::close);
  }

  @Test
  void devicesWithoutTheFileFetchTheirLayersAndGiveTheTextOfOne() {
    E2llm holder = new Device("holder").model(MODEL).shares().open();
    E2llm a = new Device("a").shares().open();
    E2llm b = new Device("b").shares().open();
    E2llm caller = new Device("caller").open();
    until(() -> caller.cluster().status().peers().size() == 4);

    // The holder computes nothing, so that all bytes must have been fetched.
    a.cluster().force(plan(List.of(a, b), 3));
    until(() -> ready(caller, 2) && ready(a, 2) && ready(b, 2));

    for (E2llm each : List.of(caller, a, b, holder)) {
      assertThat(each.generate(request(120)).await(Duration.ofSeconds(30)).text())
          .isEqualTo(expected);
    }
    assertThat(caller.modelSpec()).isEqualTo(model);
    assertThat(caller.cluster().status().modelId())
        .hasSize(64)
        .isEqualTo(holder.cluster().status().modelId());
  }

  @Test
  void nobodyFetchesMoreThanItsPlanAndItsStandbyDuty() {
    E2llm holder = new Device("holder").model(MODEL).shares().open();
    E2llm a = new Device("a").shares().open();
    E2llm b = new Device("b").shares().open();
    E2llm caller = new Device("caller").open();
    until(() -> holder.cluster().status().peers().size() == 4);
    holder.cluster().force(plan(List.of(holder, a, b), 1, 4));
    until(() -> ready(holder, 3));

    // Layer 0 lies on the holder only: its neighbour in the replica keeps it too.
    until(() -> held(a).equals(List.of(LayerRange.of(0, 4))));
    until(() -> held(b).equals(List.of(LayerRange.of(4, 5))));
    // What the status says of bytes may be a second old.
    until(() -> fetched(a) >= bytes(0, 4) && fetched(b) >= bytes(4, 5));
    Until.pause(1200);
    long sharedTensors = 4096;
    assertThat(fetched(a)).isBetween(bytes(0, 4), bytes(0, 4) + sharedTensors);
    assertThat(fetched(b)).isBetween(bytes(4, 5), bytes(4, 5) + sharedTensors);
    assertThat(held(caller)).isEmpty();
    assertThat(fetched(caller)).isZero();
  }

  @Test
  void theTextGoesOnWhenTheOnlyOneWithTheFileIsGone() {
    E2llm holder = new Device("holder").model(MODEL).shares().open();
    E2llm a = new Device("a").shares().open();
    E2llm b = new Device("b").shares().open();
    E2llm caller = new Device("caller").open();
    until(() -> holder.cluster().status().peers().size() == 4);
    holder.cluster().force(plan(List.of(holder, a, b), 1, 4));
    until(() -> ready(holder, 3) && ready(caller, 3));
    until(() -> held(a).equals(List.of(LayerRange.of(0, 4))));
    until(() -> held(b).equals(List.of(LayerRange.of(4, 5))));

    Generation generation = caller.generate(request(120));
    generation.iterator().next();
    leave(holder);
    assertThat(generation.await(Duration.ofSeconds(60)).text()).isEqualTo(expected);
  }

  @Test
  void whereNoCopyOfALayerIsLeftTheErrorSaysWhich() {
    E2llm holder = new Device("holder").model(MODEL).shares().open();
    E2llm a = new Device("a").shares().cache(100_000).open();
    E2llm caller = new Device("caller").open();
    until(() -> holder.cluster().status().peers().size() == 3);
    until(() -> holder.cluster().status().ready() && caller.cluster().status().ready());
    List<LayerRange> held = held(a);

    Generation generation = caller.generate(request(500));
    generation.iterator().next();
    leave(holder);
    assertThatThrownBy(() -> generation.await(Duration.ofSeconds(60)))
        .isInstanceOf(NoCopyException.class)
        .hasMessageContaining("no copy of layers")
        .satisfies(
            error -> {
              NoCopyException lost = (NoCopyException) error;
              assertThat(lost.textSoFar()).isNotEmpty();
              for (LayerRange missing : lost.layers()) {
                for (LayerRange here : held) {
                  assertThat(here.from() >= missing.to() || here.to() <= missing.from()).isTrue();
                }
              }
            });
  }

  @Test
  void whatWasFetchedIsThereAfterARestart() {
    E2llm holder = new Device("holder").model(MODEL).shares().open();
    E2llm a = new Device("a").shares().open();
    until(() -> holder.cluster().status().peers().size() == 2);
    holder.cluster().force(plan(List.of(holder, a), 2));
    until(() -> ready(holder, 2));
    until(() -> held(a).equals(List.of(LayerRange.of(0, 5))));
    String id = id(a);
    leave(a);

    E2llm again = new Device("a").shares().open();
    assertThat(id(again)).isEqualTo(id);
    until(() -> ready(holder, 2));
    assertThat(held(again)).isEqualTo(List.of(LayerRange.of(0, 5)));
    assertThat(fetched(again)).isZero();
    assertThat(again.generate(request(120)).await(Duration.ofSeconds(30)).text())
        .isEqualTo(expected);
  }

  @Test
  void theCacheStaysWithinItsLimitAndPlansKeepToIt() throws IOException {
    E2llm holder = new Device("holder").model(MODEL).shares().open();
    long most = 600_000;
    E2llm a = new Device("a").shares().cache(most).open();
    until(() -> holder.cluster().status().peers().size() == 2);
    until(() -> holder.cluster().status().ready() && !held(a).isEmpty());
    Until.pause(1000);
    assertThat(allocated(folder.resolve("a/slices"))).isLessThan(most + 200_000);
    assertThat(fetched(a)).isLessThanOrEqualTo(most);
  }

  @Test
  void withoutAnybodyWhoHasAModelOpeningEndsWithAnError() {
    assertThatThrownBy(() -> new Device("caller").builder().patience(Duration.ofMillis(300)).open())
        .isInstanceOf(NoModelException.class)
        .hasMessageContaining("no peer of cluster test was found");
  }

  @Test
  void aDeviceWithoutTheFileWaitsForOneThatHasItWhoeverDials() throws Exception {
    int port = freePort();
    List<E2llm> waited = new ArrayList<>();
    Thread waiting = new Thread(() -> waited.add(new Device("first").listens(port).alone().open()));
    waiting.start();
    Until.pause(500);
    E2llm holder = new Device("holder").alone().peer(port).model(MODEL).shares().open();
    waiting.join(30_000);
    assertThat(waited).hasSize(1);
    assertThat(waited.get(0).generate(request(120)).await(Duration.ofSeconds(30)).text())
        .isEqualTo(expected);
    assertThat(holder.cluster().status().peers()).hasSize(2);
  }

  @Test
  void anotherModelIsRefusedByNameOnBothSides() throws IOException {
    byte[] bytes = Files.readAllBytes(MODEL);
    bytes[bytes.length - 8] ^= 1; // the same header, one other weight
    Path other = folder.resolve("other.gguf");
    Files.write(other, bytes);
    E2llm a = new Device("a").model(MODEL).shares().open();
    E2llm b = new Device("b").model(other).shares().open();

    for (E2llm each : List.of(a, b)) {
      until(() -> refusal(each) != null);
      ClusterMismatchException why = refusal(each);
      assertThat(why.subject()).isEqualTo("model");
      assertThat(List.of(why.ours(), why.theirs()))
          .containsExactlyInAnyOrder(
              a.cluster().status().modelId(), b.cluster().status().modelId());
      until(() -> each.cluster().status().peers().size() == 1);
    }
    assertThat(a.generate(request(120)).await(Duration.ofSeconds(30)).text()).isEqualTo(expected);
  }

  @Test
  void anotherContextIsRefusedByName() {
    new Device("a").model(MODEL).shares().open();
    Device other = new Device("b");
    E2llm b = other.model(MODEL).shares().open(other.builder().context(100));
    until(() -> refusal(b) != null);
    assertThat(refusal(b).subject()).isEqualTo("setting context");
    assertThat(refusal(b).ours()).isEqualTo("100");
  }

  @Test
  void aCallerWithoutTheFileTakesTheSettingsOfTheCluster() {
    Device holder = new Device("holder");
    holder.model(MODEL).shares().open(holder.builder().context(300));
    E2llm caller = new Device("caller").open();
    assertThat(caller.contextLength()).isEqualTo(300);
    assertThat(caller.generate(request(120)).await(Duration.ofSeconds(30)).text())
        .isEqualTo(expected);
  }

  @Test
  void anAppTakesPartWithTheModelThatItPinnedOnly() {
    String wrong = "0".repeat(64);
    assertThatThrownBy(() -> new Device("a").model(MODEL).pins(wrong).open())
        .hasMessageContaining(wrong);
    E2llm holder = new Device("holder").model(MODEL).shares().open();
    until(() -> !holder.cluster().status().modelId().isEmpty());
    String id = holder.cluster().status().modelId();
    E2llm caller = new Device("caller").pins(id).open();
    assertThat(caller.generate(request(120)).await(Duration.ofSeconds(30)).text())
        .isEqualTo(expected);
    Device stranger = new Device("stranger").pins(wrong);
    assertThatThrownBy(() -> stranger.builder().patience(Duration.ofSeconds(1)).open())
        .isInstanceOf(NoModelException.class);
  }

  // ---- devices

  /** A device of its own: no folder is shared. */
  private final class Device {
    private final String name;
    private final ConcurrentLinkedQueue<ClusterEvent> heard = new ConcurrentLinkedQueue<>();
    private Cluster cluster;
    private Path file;
    private boolean shares;
    private boolean alone;
    private int port;

    Device(String name) {
      this.name = name;
      cluster =
          Cluster.named("test")
              .secret(secret)
              .withoutDiscovery()
              .folder(folder.resolve(name))
              .deviceName(name);
    }

    Device model(Path model) {
      file = model;
      return this;
    }

    Device shares() {
      shares = true;
      return this;
    }

    Device pins(String id) {
      cluster = cluster.modelId(id);
      return this;
    }

    Device cache(long bytes) {
      cluster = cluster.cache(SliceCache.DEFAULT.ofAtMost(bytes));
      return this;
    }

    Device listens(int at) {
      port = at;
      return this;
    }

    Device peer(int at) {
      cluster = cluster.peer("127.0.0.1", at);
      return this;
    }

    /** Dials nobody but whom it is told. */
    Device alone() {
      alone = true;
      return this;
    }

    E2llm.Builder builder() {
      Cluster joined = cluster.listen("127.0.0.1", port);
      if (!peers.isEmpty() && !alone) {
        String at = peers.get(0).cluster().status().address();
        int colon = at.lastIndexOf(':');
        joined = joined.peer(at.substring(0, colon), Integer.parseInt(at.substring(colon + 1)));
      }
      E2llm.Builder builder = E2llm.builder().threads(1).cluster(joined).onEvent(heard::add);
      if (file != null) {
        builder.model(file);
      }
      if (shares) {
        builder.share(Share.memory(1 << 30));
        builder.profile(
            new DeviceProfile(
                "any", "any", 1e10, 1e9, 1e10, 1e-5, 1 << 30, true, Nic.GIGABIT_ETHERNET));
      }
      return builder;
    }

    E2llm open() {
      return open(builder());
    }

    E2llm open(E2llm.Builder builder) {
      E2llm peer = builder.open();
      events.put(peer, heard);
      synchronized (peers) {
        peers.add(peer);
      }
      until(() -> !peer.cluster().status().address().isEmpty());
      return peer;
    }
  }

  private void leave(E2llm peer) {
    peer.close();
    peers.remove(peer);
  }

  private Plan plan(List<E2llm> devices, int... cuts) {
    List<String> ids = new ArrayList<>();
    devices.forEach(device -> ids.add(id(device)));
    return Plans.of(ids, cuts);
  }

  private static GenerationRequest request(int tokens) {
    return GenerationRequest.builder().prompt(PROMPT).maxTokens(tokens).temperature(0).build();
  }

  // ---- what is seen

  private static String id(E2llm peer) {
    return peer.cluster().status().self();
  }

  private static boolean ready(E2llm peer, int stages) {
    ClusterStatus status = peer.cluster().status();
    Plan plan = status.plan();
    return status.ready() && plan != null && plan.replicas().get(0).stages().size() == stages;
  }

  private static List<LayerRange> held(E2llm peer) {
    for (ClusterStatus.Peer each : peer.cluster().status().peers()) {
      if (each.id().equals(id(peer))) {
        return each.layers();
      }
    }
    throw new AssertionError("a peer does not see itself");
  }

  private long fetched(E2llm peer) {
    return peer.cluster().status().traffic().fetchedBytes();
  }

  private ClusterMismatchException refusal(E2llm peer) {
    for (ClusterEvent event : events.get(peer)) {
      if (event instanceof ClusterEvent.Refused refused
          && refused.why() instanceof ClusterMismatchException mismatch) {
        return mismatch;
      }
    }
    return null;
  }

  private long bytes(int from, int to) {
    long bytes = from == 0 ? model.embeddingBytes() : 0;
    bytes += to == model.layerCount() ? model.outputBytes() : 0;
    for (int layer = from; layer < to; layer++) {
      bytes += model.layerBytes().get(layer);
    }
    return bytes;
  }

  /** Bytes that files take on disk, holes not counted. */
  private static long allocated(Path at) throws IOException {
    long bytes = 0;
    try (Stream<Path> all = Files.walk(at)) {
      for (Path path : (Iterable<Path>) all::iterator) {
        if (Files.isRegularFile(path)) {
          Process du = new ProcessBuilder("du", "-k", path.toString()).start();
          String said = new String(du.getInputStream().readAllBytes());
          bytes += Long.parseLong(said.substring(0, said.indexOf('\t'))) << 10;
        }
      }
    }
    return bytes;
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}

package org.e2llm.samples.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.e2llm.samples.Until.until;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.e2llm.E2llm;
import org.e2llm.GenerationRequest;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.Share;
import org.e2llm.cluster.SliceCache;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.samples.Apps;
import org.e2llm.samples.Until;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that computes all layers and has none of them fetches what it needs from apps that have
 * them, over real connections on loopback: one of these serves wrong bytes, or it is killed in the
 * middle.
 */
@Timeout(180)
class SliceFaultsTest {
  private static final Path MODEL = Path.of("models/stories260K-F32.gguf").toAbsolutePath();
  private static final String PROMPT = "Once upon a time, there was a little girl";
  private static final String WRONG = "sent wrong bytes of the model and is not asked again";

  /** Bytes of the model's tensors. */
  private static final long ALL = all();

  @TempDir Path folder;
  private final Secret secret = Secret.generate();
  private final List<E2llm> apps = new ArrayList<>();
  private final List<PeerProcess> processes = new ArrayList<>();
  private String expected;

  /** Its head is its embedding. */
  private static long all() {
    ModelSpec spec = E2llm.inspect(MODEL).spec();
    return spec.layerBytes().stream().mapToLong(Long::longValue).sum() + spec.outputBytes();
  }

  @BeforeEach
  void alone() throws IOException {
    Files.writeString(folder.resolve("secret"), secret.reveal());
    try (E2llm llm = E2llm.builder().model(MODEL).threads(1).open()) {
      expected = llm.generate(request()).await().text();
    }
  }

  @AfterEach
  void close() throws InterruptedException {
    apps.forEach(E2llm::close);
    for (PeerProcess process : processes) {
      process.end();
    }
  }

  /** Its manifest is of the file as it was: it believes that it serves what that says. */
  @Test
  void aLeafThatIsWrongOnOnePeerIsTakenFromAnother() throws IOException {
    Path copy = Files.copy(MODEL, folder.resolve("copy.gguf"));
    leave(open(device("damaged").model(copy)));
    damage(copy);
    E2llm damaged = open(device("damaged").model(copy));

    PeerProcess fetcher = fetcher(damaged);
    until(60, "a leaf is wrong", () -> fetcher.said().stream().anyMatch(l -> l.contains(WRONG)));
    assertThat(fetcher.said()).noneMatch(line -> line.startsWith("ready "));

    E2llm whole = open(device("whole", damaged).model(MODEL));
    assertThat(id(whole)).isEqualTo(id(damaged));
    fetcher.ready();
    until(60, "the whole one has served", () -> served(whole) > 0);
    until(60, "the plan serves", () -> whole.cluster().status().ready());
    assertThat(whole.generate(request()).await(Duration.ofSeconds(60)).text()).isEqualTo(expected);
  }

  /** It can have a part only, so that it is in the middle for as long as the test wants. */
  @Test
  void oneThatIsKilledInTheMiddleOfFetchingFetchesOnlyTheRestAfterwards() throws Exception {
    E2llm first = open(sharing(device("first").model(MODEL)));
    E2llm half = open(sharing(builder(cluster("half", first).cache(room(600_000)))));
    until(60, "it holds a part", () -> !held(half, self(half)).isEmpty() && rests(half));
    leave(first);
    long part = half.cluster().status().traffic().fetchedBytes();

    PeerProcess killed = fetcher(half);
    until(60, "it has the part", () -> served(half) == part && haveTheSame(half));
    assertThat(part).isLessThan(ALL);
    killed.end();

    E2llm whole = open(device("whole", half).model(MODEL));
    fetcher(half, whole).ready();
    LongSupplier rest = () -> served(half) - part + served(whole);
    until(60, "they have served the rest", () -> rest.getAsLong() >= ALL - part);
    assertThat(rest.getAsLong()).isEqualTo(ALL - part);
    until(60, "the plan serves", () -> whole.cluster().status().ready());
    assertThat(whole.generate(request()).await(Duration.ofSeconds(60)).text()).isEqualTo(expected);
  }

  /** One bit of the last tensor, with the time as before: so the kept manifest is used. */
  private static void damage(Path file) throws IOException {
    FileTime time = Files.getLastModifiedTime(file);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 8] ^= 1;
    Files.write(file, bytes, StandardOpenOption.WRITE);
    Files.setLastModifiedTime(file, time);
  }

  // ---- devices

  private PeerProcess fetcher(E2llm... joined) throws IOException {
    List<String> options = new ArrayList<>(List.of("--cluster", Apps.CLUSTER));
    for (E2llm app : joined) {
      options.addAll(List.of("--join", app.cluster().status().address()));
    }
    PeerProcess process = new PeerProcess(folder, "fetcher", options.toArray(new String[0]));
    processes.add(process);
    return process;
  }

  private E2llm.Builder device(String name, E2llm... joined) {
    return builder(cluster(name, joined));
  }

  private Cluster cluster(String name, E2llm... joined) {
    Cluster cluster =
        Cluster.named(Apps.CLUSTER)
            .secret(secret)
            .withoutDiscovery()
            .listen("127.0.0.1", 0)
            .folder(folder.resolve(name))
            .deviceName(name);
    for (E2llm app : joined) {
      String at = app.cluster().status().address();
      int colon = at.lastIndexOf(':');
      cluster = cluster.peer(at.substring(0, colon), Integer.parseInt(at.substring(colon + 1)));
    }
    return cluster;
  }

  private static E2llm.Builder builder(Cluster cluster) {
    return E2llm.builder().threads(1).cluster(cluster);
  }

  private static E2llm.Builder sharing(E2llm.Builder builder) {
    return builder.share(Share.memory(1 << 30)).profile(Apps.profile(1e10, 1e9, 1e10));
  }

  private static SliceCache room(long bytes) {
    return SliceCache.DEFAULT.ofAtMost(bytes);
  }

  /** Until it knows its model, and can be dialled. */
  private E2llm open(E2llm.Builder builder) {
    E2llm app = builder.open();
    apps.add(app);
    until(60, "it listens", () -> !app.cluster().status().address().isEmpty());
    until(60, "its model is known", () -> !id(app).isEmpty());
    return app;
  }

  private void leave(E2llm app) {
    app.close();
    apps.remove(app);
  }

  private static GenerationRequest request() {
    return GenerationRequest.builder().prompt(PROMPT).maxTokens(120).temperature(0).build();
  }

  // ---- what is seen

  /** Of the model. */
  private static String id(E2llm app) {
    return app.cluster().status().modelId();
  }

  private static String self(E2llm app) {
    return app.cluster().status().self();
  }

  private static List<LayerRange> held(E2llm seenBy, String peer) {
    for (ClusterStatus.Peer each : seenBy.cluster().status().peers()) {
      if (each.id().equals(peer)) {
        return each.layers();
      }
    }
    return List.of();
  }

  /** Whether all that are there hold the same layers, and some. */
  private static boolean haveTheSame(E2llm seenBy) {
    List<LayerRange> own = held(seenBy, self(seenBy));
    return !own.isEmpty()
        && seenBy.cluster().status().peers().size() > 1
        && seenBy.cluster().status().peers().stream().allMatch(peer -> peer.layers().equals(own));
  }

  private static long served(E2llm app) {
    return app.cluster().status().traffic().servedBytes();
  }

  /** Whether it fetches nothing for a while. */
  private static boolean rests(E2llm app) {
    long before = app.cluster().status().traffic().fetchedBytes();
    Until.pause(1500); // what a status says may be a second old
    return before == app.cluster().status().traffic().fetchedBytes();
  }
}

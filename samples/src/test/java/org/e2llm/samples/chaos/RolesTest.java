package org.e2llm.samples.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.e2llm.samples.Apps.id;
import static org.e2llm.samples.Until.until;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.e2llm.E2llm;
import org.e2llm.Generation;
import org.e2llm.GenerationResult;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Secret;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Plan;
import org.e2llm.samples.Apps;
import org.e2llm.samples.Golden;
import org.e2llm.samples.Plans;
import org.e2llm.samples.Run;
import org.e2llm.samples.Until;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two devices compute prompts, two others, cut elsewhere, decode, over real connections: the host
 * of the prompts is a process that can be killed. The text is that of one device.
 */
@Timeout(120)
class RolesTest {
  private static final String STORY =
      "Once upon a time, there was a little girl who went to the park with her mom and her red ball."
          + " She liked to play with her dog, and the dog liked to run and jump in the sun all day. ";

  private static final int TOKENS = 40;

  @TempDir Path folder;
  private final Secret secret = Secret.generate();
  private final List<E2llm> peers = new ArrayList<>();
  private final ModelSpec model = E2llm.inspect(ChaosCluster.MODEL).spec();
  private Loopback lan;
  private App promptHost;
  private E2llm client;

  /** Device 0 is the process; 1 computes prompts with it, 2 and 3 decode. */
  @BeforeEach
  void start() throws IOException {
    lan = new Loopback(1);
    client = join(false);
    for (int i = 0; i < 3; i++) {
      join(true);
    }
    List<String> arguments =
        new ArrayList<>(
            List.of(
                Files.writeString(folder.resolve("secret"), secret.reveal()).toString(),
                folder.resolve("prompts").toString(),
                lan.places().get(0).address()));
    peers.forEach(peer -> arguments.add(peer.cluster().status().address()));
    promptHost =
        new App(
            new Jvm(
                List.of(),
                List.of(),
                folder.resolve("prompts.err"),
                AppProgram.class.getName(),
                arguments));
    String host = promptHost.open(ChaosCluster.MODEL, 1L << 30).id();
    until(() -> client.cluster().status().peers().size() == 5);
    Plan plan =
        Plans.roles(
            Plans.stages(5, List.of(host, id(peers.get(1))), 3),
            Plans.stages(5, List.of(id(peers.get(2)), id(peers.get(3))), 2));
    client.cluster().force(plan);
    until(() -> peers.stream().allMatch(RolesTest::serves) && promptHost.status().ready());
  }

  @AfterEach
  void close() {
    peers.forEach(E2llm::close);
    if (promptHost != null) {
      promptHost.process().close();
    }
    lan.close();
  }

  @Test
  void promptsAreComputedByOneReplicaAndAnsweredByAnother() {
    String prompt = STORY + STORY;
    String expected = alone(List.of(prompt)).get(0);
    long[] positions = new long[1];
    Counted[] counted = new Counted[2];
    // Until devices know what they may expect of each other, prompts stay where they are answered.
    until(
        30,
        "a prompt is handed off whole",
        () -> {
          counted[0] = settled();
          GenerationResult result = generate(prompt);
          assertThat(result.text()).isEqualTo(expected);
          positions[0] = result.usage().promptTokens() - 1;
          counted[1] = settled();
          return counted[1].complete() > counted[0].complete()
              && counted[1].broken() == counted[0].broken();
        });
    Counted before = counted[0];
    Counted after = counted[1];
    assertThat(after.complete()).isEqualTo(before.complete() + 1);
    // Layers 0 and 1 go from the process to the first decoding device, 2 to the second one, which
    // gets 3 and 4 from device 1.
    assertThat(after.received2() - before.received2())
        .isBetween(kv(positions[0], 2), kv(positions[0], 2) + 1000);
    assertThat(after.received3() - before.received3())
        .isBetween(kv(positions[0], 3), kv(positions[0], 3) + 1000);
    assertThat(after.sent1() - before.sent1())
        .isBetween(kv(positions[0], 2), kv(positions[0], 2) + 1000);
  }

  /** A guest that had nothing to do with them shows what all devices say. */
  @Test
  void theClusterCommandShowsHandOffs() {
    until(
        30,
        "a prompt is handed off",
        () -> {
          generate(STORY + STORY);
          return handoffs(2).complete() > 0;
        });
    settled();
    until(
        30,
        "the command shows what the devices have said",
        () -> {
          Map<String, Object> shown =
              Golden.object(Golden.object(Golden.parse(cluster("--json"))).get("handoffs"));
          ClusterStatus.Handoffs decoding = handoffs(2).plus(handoffs(3));
          return number(shown, "complete") == decoding.complete()
              && number(shown, "broken") == decoding.broken()
              && number(shown, "receivedBytes") == decoding.receivedBytes()
              && number(shown, "sentBytes") >= decoding.receivedBytes();
        });
    assertThat(cluster())
        .containsPattern("KV hand-offs: [1-9][0-9]* whole, [0-9]+ not whole, [0-9.]+ [KM]iB");
  }

  private static long number(Map<String, Object> object, String field) {
    return ((Number) object.get(field)).longValue();
  }

  private String cluster(String... options) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "cluster",
                "--cluster",
                Apps.CLUSTER,
                "--secret-file",
                folder.resolve("secret").toString(),
                "--no-discovery",
                "--listen",
                "127.0.0.1:0",
                "--peer-folder",
                folder.resolve("guest").toString(),
                "--model",
                ChaosCluster.MODEL.toString()));
    for (E2llm peer : peers) {
      all.addAll(List.of("--join", peer.cluster().status().address()));
    }
    all.addAll(List.of("--join", lan.places().get(0).address()));
    all.addAll(List.of(options));
    return Run.of(all.toArray(new String[0])).text();
  }

  /** What devices 1 to 3 say of hand-offs. */
  private record Counted(long complete, long broken, long received2, long received3, long sent1) {}

  private Counted counted() {
    ClusterStatus.Handoffs first = handoffs(2);
    return new Counted(
        first.complete(),
        first.broken(),
        first.receivedBytes(),
        handoffs(3).receivedBytes(),
        handoffs(1).sentBytes());
  }

  /** What a status says may be a moment old: until it says the same for a while. */
  private Counted settled() {
    Counted[] last = {counted()};
    until(
        10,
        "devices say the same of hand-offs for a while",
        () -> {
          Counted before = last[0];
          Until.pause(500);
          last[0] = counted();
          return last[0].equals(before);
        });
    return last[0];
  }

  @Test
  void thePromptHostIsKilledInTheMiddle() {
    List<String> prompts = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      prompts.add("Number " + i + ". " + STORY + STORY);
    }
    List<String> expected = alone(prompts);
    until(
        30,
        "a prompt is handed off",
        () -> {
          assertThat(generate(prompts.get(0)).text()).isEqualTo(expected.get(0));
          return handoffs(2).complete() > 0;
        });
    long before = handoffs(3).receivedBytes();
    List<Generation> running = new ArrayList<>();
    for (String prompt : prompts) {
      running.add(client.generate(AppProgram.request(prompt, 0, TOKENS)));
    }
    until(() -> handoffs(3).receivedBytes() > before);
    promptHost.process().signal("KILL");
    for (int i = 0; i < prompts.size(); i++) {
      assertThat(running.get(i).await(Duration.ofSeconds(60)).text())
          .as("generation %d", i)
          .isEqualTo(expected.get(i));
    }
    // The plan has lost a device; another one serves, and nothing waits for prompts.
    assertThat(generate(prompts.get(0)).text()).isEqualTo(expected.get(0));
  }

  private static List<String> alone(List<String> prompts) {
    List<String> texts = new ArrayList<>();
    try (E2llm alone = E2llm.builder().model(ChaosCluster.MODEL).threads(1).open()) {
      for (String prompt : prompts) {
        texts.add(alone.generate(AppProgram.request(prompt, 0, TOKENS)).await().text());
      }
    }
    return texts;
  }

  private GenerationResult generate(String prompt) {
    return client.generate(AppProgram.request(prompt, 0, TOKENS)).await(Duration.ofSeconds(30));
  }

  private long kv(long positions, int layers) {
    return positions * model.kvBytesPerToken(KvType.F16, LayerRange.of(0, layers));
  }

  private ClusterStatus.Handoffs handoffs(int peer) {
    return peers.get(peer).cluster().status().handoffs();
  }

  private static boolean serves(E2llm peer) {
    ClusterStatus status = peer.cluster().status();
    Plan plan = status.plan();
    return status.ready() && plan != null && plan.replicas().size() == 2;
  }

  /** Slow enough for prompts to be worth moving. */
  private E2llm join(boolean shares) {
    return Apps.join(
        peers,
        secret,
        folder,
        ChaosCluster.MODEL,
        shares ? Apps.sharing(1e8, 1e8, 1e9) : UnaryOperator.identity());
  }
}

package org.e2llm.samples.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.e2llm.samples.Apps.id;
import static org.e2llm.samples.Until.until;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.e2llm.E2llm;
import org.e2llm.Generation;
import org.e2llm.GenerationRequest;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Secret;
import org.e2llm.plan.Plan;
import org.e2llm.samples.Apps;
import org.e2llm.samples.Plans;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Apps on one host that compute together, over real connections on loopback. */
@Timeout(120)
class PeersTest {
  private static final Path MODEL = Path.of("models/stories260K-F32.gguf");
  private static final String PROMPT = "Once upon a time, there was a little girl";

  @TempDir Path folder;
  private final Secret secret = Secret.generate();
  private final List<E2llm> peers = new ArrayList<>();
  private String expected;

  @BeforeEach
  void alone() {
    try (E2llm llm = E2llm.builder().model(MODEL).threads(1).open()) {
      expected = llm.generate(request(PROMPT)).await().text();
    }
  }

  @AfterEach
  void close() {
    peers.forEach(E2llm::close);
  }

  @Test
  void aPeerAloneServesItself() {
    E2llm only = join(true);
    assertThat(only.generate(request(PROMPT)).await(Duration.ofSeconds(30)).text())
        .isEqualTo(expected);
  }

  @Test
  void threeDevicesGiveTheTextOfOne() {
    E2llm a = join(true);
    E2llm b = join(true);
    E2llm c = join(true);
    E2llm client = join(false);
    until(() -> client.cluster().status().peers().size() == 4);
    a.cluster().force(Plans.of(List.of(id(a), id(b), id(c)), 2, 4));
    until(() -> ready(client, 3) && ready(a, 3) && ready(b, 3));

    for (E2llm caller : List.of(a, b, c, client)) {
      assertThat(caller.generate(request(PROMPT)).await(Duration.ofSeconds(30)).text())
          .isEqualTo(expected);
    }
    assertThat(sent(a, b)).isPositive();
    assertThat(sent(b, c)).isPositive();
    assertThat(sent(c, client)).isPositive();
  }

  @Test
  void manyGenerationsOfSeveralAppsAtOnce() {
    E2llm a = join(true);
    E2llm b = join(true);
    E2llm client = join(false);
    until(() -> client.cluster().status().peers().size() == 3);
    a.cluster().force(Plans.of(List.of(id(b), id(a)), 3));
    until(() -> ready(client, 2) && ready(a, 2));

    List<Generation> running = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      running.add((i % 2 == 0 ? a : client).generate(request(PROMPT)));
    }
    for (Generation generation : running) {
      assertThat(generation.await(Duration.ofSeconds(60)).text()).isEqualTo(expected);
    }
  }

  @Test
  void aGenerationGoesOnWhenADeviceLeaves() {
    E2llm a = join(true);
    E2llm b = join(true);
    E2llm c = join(true);
    until(() -> a.cluster().status().peers().size() == 3);
    a.cluster().force(Plans.of(List.of(id(a), id(b), id(c)), 2, 4));
    until(() -> ready(a, 3));

    Generation generation = a.generate(request(PROMPT));
    generation.iterator().next();
    b.close();
    peers.remove(b);
    assertThat(generation.await(Duration.ofSeconds(60)).text()).isEqualTo(expected);
  }

  private static GenerationRequest request(String prompt) {
    return GenerationRequest.builder().prompt(prompt).maxTokens(120).temperature(0).build();
  }

  private E2llm join(boolean shares) {
    return Apps.join(
        peers,
        secret,
        folder,
        MODEL,
        shares ? Apps.sharing(1e10, 1e9, 1e10) : UnaryOperator.identity());
  }

  private static boolean ready(E2llm peer, int stages) {
    ClusterStatus status = peer.cluster().status();
    Plan plan = status.plan();
    return status.ready() && plan != null && plan.replicas().get(0).stages().size() == stages;
  }

  private static long sent(E2llm from, E2llm to) {
    for (ClusterStatus.Peer peer : from.cluster().status().peers()) {
      if (peer.id().equals(id(to))) {
        return peer.bytesSent();
      }
    }
    return 0;
  }
}

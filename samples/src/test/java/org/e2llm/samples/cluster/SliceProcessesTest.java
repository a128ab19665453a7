package org.e2llm.samples.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.e2llm.samples.Until.until;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.E2llm;
import org.e2llm.Generation;
import org.e2llm.GenerationRequest;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Secret;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.Plan;
import org.e2llm.samples.Plans;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Peers in processes of their own, as the samples start them: one has the file. */
@Timeout(240)
class SliceProcessesTest {
  private static final Path MODEL = Path.of("models/stories260K-F32.gguf").toAbsolutePath();
  private static final String PROMPT = "Once upon a time, there was a little girl";

  @TempDir Path folder;
  private final List<PeerProcess> started = new ArrayList<>();

  @AfterEach
  void end() throws InterruptedException {
    for (PeerProcess peer : started) {
      peer.end();
    }
  }

  private PeerProcess start(String name, String... options) throws IOException {
    PeerProcess peer = new PeerProcess(folder, name, options);
    started.add(peer);
    return peer;
  }

  @Test
  void peersAndACallerWithoutTheFileGoOnWhenItsOnlyHolderIsKilled() throws Exception {
    String expected;
    try (E2llm llm = E2llm.builder().model(MODEL).threads(1).open()) {
      expected = llm.generate(request()).await().text();
    }
    Secret secret = Secret.generate();
    Files.writeString(folder.resolve("secret"), secret.reveal());
    PeerProcess holder = start("holder", "--model", MODEL.toString());
    String at = holder.ready();
    PeerProcess first = start("first", "--join", at);
    PeerProcess second = start("second", "--join", at);
    first.ready();
    second.ready();

    int colon = at.lastIndexOf(':');
    Cluster cluster =
        Cluster.named("e2llm")
            .secret(secret)
            .withoutDiscovery()
            .listen("127.0.0.1", 0)
            .folder(folder.resolve("caller"))
            .peer(at.substring(0, colon), Integer.parseInt(at.substring(colon + 1)));
    try (E2llm caller = E2llm.builder().threads(1).cluster(cluster).open()) {
      until(60, "all are there", () -> caller.cluster().status().peers().size() == 4);
      String holds = null;
      List<String> ids = new ArrayList<>();
      for (ClusterStatus.Peer peer : caller.cluster().status().peers()) {
        if (peer.full()) {
          holds = peer.id();
        } else if (peer.profile() != null) {
          ids.add(peer.id());
        }
      }
      ids.add(0, holds);
      assertThat(ids).hasSize(3).doesNotContainNull();
      caller.cluster().force(Plans.of(ids, 1, 4));
      until(60, "the plan serves", () -> stages(caller.cluster().status()) == 3);
      assertThat(caller.generate(request()).await(Duration.ofSeconds(60)).text())
          .isEqualTo(expected);

      // Or more: the plan before may have wanted other layers there.
      until(60, "the first has its layers", () -> has(caller, ids.get(1), LayerRange.of(0, 4)));
      until(60, "the second has its layer", () -> has(caller, ids.get(2), LayerRange.of(4, 5)));
      Generation generation = caller.generate(request());
      generation.iterator().next();
      holder.kill();
      assertThat(generation.await(Duration.ofSeconds(120)).text()).isEqualTo(expected);
      assertThat(caller.generate(request()).await(Duration.ofSeconds(60)).text())
          .isEqualTo(expected);
    }
  }

  private static GenerationRequest request() {
    return GenerationRequest.builder().prompt(PROMPT).maxTokens(200).temperature(0).build();
  }

  private static int stages(ClusterStatus status) {
    Plan plan = status.plan();
    return status.ready() && plan != null ? plan.replicas().get(0).stages().size() : 0;
  }

  private static boolean has(E2llm seenBy, String id, LayerRange layers) {
    for (ClusterStatus.Peer peer : seenBy.cluster().status().peers()) {
      if (peer.id().equals(id)) {
        return peer.layers().stream().anyMatch(there -> there.contains(layers));
      }
    }
    return false;
  }
}

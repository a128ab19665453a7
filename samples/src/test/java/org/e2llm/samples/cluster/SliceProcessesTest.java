package org.e2llm.samples.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.e2llm.E2llm;
import org.e2llm.Generation;
import org.e2llm.GenerationRequest;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Secret;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.Plan;
import org.e2llm.samples.Main;
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
  private final List<Peer> started = new ArrayList<>();

  @AfterEach
  void end() throws InterruptedException {
    for (Peer peer : started) {
      peer.process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void peersAndACallerWithoutTheFileGoOnWhenItsOnlyHolderIsKilled() throws Exception {
    String expected;
    try (E2llm llm = E2llm.builder().model(MODEL).threads(1).open()) {
      expected = llm.generate(request()).await().text();
    }
    Secret secret = Secret.generate();
    Files.writeString(folder.resolve("secret"), secret.reveal());
    Peer holder = new Peer("holder", "--model", MODEL.toString());
    String at = holder.ready();
    Peer first = new Peer("first", "--join", at);
    Peer second = new Peer("second", "--join", at);
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
      until(() -> caller.cluster().status().peers().size() == 4);
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
      until(() -> stages(caller.cluster().status()) == 3);
      assertThat(caller.generate(request()).await(Duration.ofSeconds(60)).text())
          .isEqualTo(expected);

      // Or more: the plan before may have wanted other layers there.
      until(() -> has(caller, ids.get(1), LayerRange.of(0, 4)));
      until(() -> has(caller, ids.get(2), LayerRange.of(4, 5)));
      Generation generation = caller.generate(request());
      generation.iterator().next();
      holder.process.destroyForcibly();
      assertThat(generation.await(Duration.ofSeconds(120)).text()).isEqualTo(expected);
      assertThat(caller.generate(request()).await(Duration.ofSeconds(60)).text())
          .isEqualTo(expected);
    }
  }

  /** A process that shares memory. */
  private final class Peer {
    final Process process;
    private final List<String> said = new CopyOnWriteArrayList<>();

    Peer(String name, String... more) throws IOException {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-Xmx256m"));
      // Surefire hides the real class path behind a manifest.
      String classPath =
          System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
      command.addAll(List.of("-cp", classPath, Main.class.getName(), "peer", "--no-discovery"));
      command.addAll(List.of("--secret-file", folder.resolve("secret").toString()));
      command.addAll(List.of("--peer-folder", folder.resolve(name).toString()));
      command.addAll(List.of("--listen", "127.0.0.1:0", "--memory", "200M", "--threads", "1"));
      command.addAll(Arrays.asList(more));
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
      started.add(this);
      Thread reader =
          new Thread(
              () -> {
                try (BufferedReader lines =
                    new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                  lines.lines().forEach(said::add);
                } catch (IOException | RuntimeException e) {
                  said.add("ended: " + e);
                }
              });
      reader.setDaemon(true);
      reader.start();
    }

    /** The address it listens at, once it serves. */
    String ready() {
      until(() -> said.stream().anyMatch(line -> line.startsWith("ready ")) || !process.isAlive());
      return said.stream()
          .filter(line -> line.startsWith("ready "))
          .findFirst()
          .orElseThrow(() -> new AssertionError("it ended: " + said))
          .substring("ready ".length());
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

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited for a minute").isLessThan(end);
      try {
        Thread.sleep(10);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}

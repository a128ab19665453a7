package org.e2llm.samples.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.e2llm.E2llm;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.Share;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Nic;
import org.e2llm.samples.Golden;
import org.e2llm.samples.Run;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code doctor}, {@code cluster} and {@code bench} beside a peer that hosts the model. */
@Timeout(120)
class ClusterCommandsTest {
  private static final Path MODEL = Path.of("models/stories260K-F32.gguf");

  @TempDir Path folder;
  private E2llm peer;
  private String address;

  @BeforeEach
  void host() throws IOException, InterruptedException {
    Secret secret = Secret.generate();
    Files.writeString(folder.resolve("secret"), secret.reveal());
    peer =
        E2llm.builder()
            .model(MODEL)
            .threads(1)
            .cluster(
                Cluster.named("kitchen")
                    .secret(secret)
                    .listen("127.0.0.1", 0)
                    .withoutDiscovery()
                    .folder(folder.resolve("host"))
                    .deviceName("laptop"))
            .share(Share.memory(1 << 30))
            .profile(
                new DeviceProfile(
                    "any", "any", 1e10, 1e9, 1e10, 1e-5, 1 << 30, true, Nic.GIGABIT_ETHERNET))
            .open();
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!peer.cluster().status().ready()) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.sleep(10);
    }
    address = peer.cluster().status().address();
  }

  @AfterEach
  void close() {
    peer.close();
  }

  @Test
  void theDoctorFindsNothingToMend() {
    Run run = run("doctor", "--cluster", "kitchen");
    assertThat(run.text()).contains("laptop", "lets us in", "reaches this device", "MB/s");
    assertThat(run.text()).endsWith("Nothing needs mending.\n");
    assertThat(run.exitCode()).isZero();
    assertThat(peer.cluster().status().peers()).as("no member has seen it").hasSize(1);
  }

  @Test
  void whatNeedsMendingIsSaidToMachinesToo() throws IOException {
    int free;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      free = socket.getLocalPort();
    }
    Run run = run("doctor", "--cluster", "garage", "--json", "--join", "127.0.0.1:" + free);
    assertThat(run.exitCode()).isEqualTo(1);
    List<String> mend = new ArrayList<>();
    for (Object each : (List<?>) Golden.parse(run.out())) {
      Map<String, Object> finding = Golden.object(each);
      if (finding.get("verdict").equals("bad")) {
        mend.add(finding.get("text").toString());
      }
    }
    assertThat(mend)
        .hasSize(2)
        .anySatisfy(text -> assertThat(text).contains("kitchen", "garage"))
        .anySatisfy(text -> assertThat(text).contains("nobody listens on that port"));
  }

  @Test
  void theClusterIsShownWithItsForecast() {
    String model = MODEL.toString();
    Run table = run("cluster", "--cluster", "kitchen", "--memory", "1G", "--model", model);
    assertThat(table.text())
        .contains("laptop", "MIXED", "0-4", "expected for one session: alone this device cannot")
        .containsPattern("if this device shared that: (alone )?[0-9.]+ t/s")
        .doesNotContain("hand-offs");
    Map<String, Object> status =
        Golden.object(
            Golden.parse(
                run("cluster", "--cluster", "kitchen", "--json", "--model", MODEL.toString())
                    .text()));
    Map<String, Object> forecast = Golden.object(status.get("forecastTokensPerSecond"));
    assertThat(((Number) forecast.get("together")).doubleValue()).isPositive();
    assertThat(forecast).containsEntry("best", peer.cluster().status().self());
    assertThat(Golden.object(status.get("handoffs"))).containsEntry("complete", 0);
  }

  @Test
  void benchMeasuresTheCluster() {
    Run run =
        run(
            "bench",
            "--model",
            MODEL.toString(),
            "--cluster",
            "kitchen",
            "--pp",
            "8",
            "--tg",
            "200", // long enough for both sessions to decode at the same time
            "--sessions",
            "2",
            "--warm-up",
            "0",
            "--repeat",
            "1",
            "--json");
    List<?> results = (List<?>) Golden.parse(run.text());
    assertThat(results).hasSize(2);
    for (Object result : results) {
      assertThat(Golden.object(result)).containsEntry("cluster", true).containsEntry("sessions", 2);
      assertThat(((Number) Golden.object(result).get("tokensPerSecond")).doubleValue())
          .isPositive();
    }
  }

  private Run run(String command, String... options) {
    List<String> all =
        new ArrayList<>(
            List.of(
                command,
                "--secret-file",
                folder.resolve("secret").toString(),
                "--no-discovery",
                "--listen",
                "127.0.0.1:0",
                "--join",
                address,
                "--peer-folder",
                folder.resolve("guest").toString()));
    all.addAll(Arrays.asList(options));
    return Run.of(all.toArray(new String[0]));
  }
}

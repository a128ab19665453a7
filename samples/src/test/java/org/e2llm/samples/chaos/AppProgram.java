package org.e2llm.samples.chaos;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.StringJoiner;
import org.e2llm.E2llm;
import org.e2llm.E2llmException;
import org.e2llm.Generation;
import org.e2llm.GenerationRequest;
import org.e2llm.Token;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.Share;
import org.e2llm.model.KvType;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.FleetCodec;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanCodec;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.StagePlan;
import org.e2llm.samples.Apps;
import org.jspecify.annotations.Nullable;

/**
 * An app in a process of its own that does what its standard input says, and prints what comes of
 * it.
 *
 * <pre>
 *   open MODEL SHARE WISH...                open ID KERNELS
 *   force BASE64-PLAN
 *   generate ID SEED TOKENS BASE64-PROMPT  done ID BASE64-TEXT | failed ID ERROR BASE64-TEXT BASE64-MESSAGE
 *   status                                 status READY PEERS COORDINATOR STAGE,... PEER=BYTES,...
 *   view                                   view - | view BASE64-PLAN BASE64-FLEET BEST-ALONE TOGETHER
 *   close                                  closed
 * </pre>
 *
 * Devices are told by their addresses; BYTES is what was sent to them; wishes are {@link App.Wish}.
 */
final class AppProgram {
  private final Cluster cluster;
  private final PrintStream out;
  private @Nullable E2llm llm;

  private AppProgram(Cluster cluster, PrintStream out) {
    this.cluster = cluster;
    this.out = out;
  }

  /**
   * Runs until standard input ends.
   *
   * @param args secret file, folder, address to listen at, addresses of peers
   */
  public static void main(String[] args) throws Exception {
    Cluster cluster =
        Cluster.named(Apps.CLUSTER)
            .secret(Secret.parse(Files.readString(Path.of(args[0])).trim()))
            .folder(Path.of(args[1]))
            .listen(host(args[2]), port(args[2]))
            .deviceName("app")
            .withoutDiscovery();
    for (String peer : List.of(args).subList(3, args.length)) {
      cluster = cluster.peer(host(peer), port(peer));
    }
    AppProgram app = new AppProgram(cluster, System.out);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      app.obey(line.split(" "));
    }
    app.close();
  }

  private void obey(String[] words) {
    switch (words[0]) {
      case "open" -> open(Path.of(words[1]), Long.parseLong(words[2]), List.of(words));
      case "force" -> opened().cluster().force(PlanCodec.parse(decoded(words[1])));
      case "generate" ->
          generate(words[1], Long.parseLong(words[2]), Integer.parseInt(words[3]), words[4]);
      case "status" -> println(status());
      case "view" -> println(view());
      case "close" -> {
        close();
        println("closed");
      }
      default -> throw new IllegalArgumentException(words[0]);
    }
  }

  private void open(Path model, long share, List<String> wishes) {
    E2llm.Builder builder =
        E2llm.builder()
            .model(model)
            .threads(1)
            .cluster(cluster)
            .share(share == 0 ? Share.none() : Share.memory(share))
            .planOptions(
                PlanOptions.builder()
                    .throughput(wishes.contains(App.Wish.THROUGHPUT.name()))
                    .build())
            .onEvent(event -> System.err.println(event.text()));
    if (wishes.contains(App.Wish.TOLD.name())) {
      builder.profile(Apps.profile(1e10, 1e9, 1e10));
    }
    if (wishes.contains(App.Wish.KEEPS_ENDS.name())) {
      builder.keepEnds(1, 1).profile(Apps.profile(1e8, 1e7, 1e8));
    }
    if (wishes.contains(App.Wish.SMALL_CACHE.name())) {
      builder.kvType(KvType.Q8_0);
    }
    E2llm made = builder.open();
    llm = made;
    println("open " + made.cluster().status().self() + " " + made.kernels().name());
  }

  private E2llm opened() {
    E2llm open = llm;
    if (open == null) {
      throw new IllegalStateException("no model is open");
    }
    return open;
  }

  private void close() {
    E2llm open = llm;
    if (open != null) {
      open.close();
      llm = null;
    }
  }

  private void generate(String id, long seed, int tokens, String prompt) {
    Generation generation = opened().generate(request(decoded(prompt), seed, tokens));
    Thread waits =
        new Thread(
            () -> {
              StringBuilder text = new StringBuilder();
              try {
                for (Token token : generation) {
                  text.append(token.text());
                }
                println("done " + id + " " + encoded(text.toString()));
              } catch (E2llmException e) {
                String error = e.getClass().getSimpleName();
                String message = String.valueOf(e.getMessage());
                println(
                    String.join(
                        " ", "failed", id, error, encoded(e.textSoFar()), encoded(message)));
              }
            });
    waits.setDaemon(true);
    waits.start();
  }

  /** What all callers ask for, and what the test asks one device alone for. */
  static GenerationRequest request(String prompt, long seed, int tokens) {
    return GenerationRequest.builder()
        .prompt(prompt)
        .maxTokens(tokens)
        .temperature(seed == 0 ? 0 : 0.9f)
        .seed(seed)
        .build();
  }

  private String status() {
    ClusterStatus status = opened().cluster().status();
    StringJoiner stages = new StringJoiner(",");
    if (status.plan() != null) {
      for (StagePlan stage : status.plan().replicas().get(0).stages()) {
        stages.add(address(status, stage.device()));
      }
    }
    StringJoiner sent = new StringJoiner(",");
    for (ClusterStatus.Peer peer : status.peers()) {
      sent.add(address(status, peer.id()) + "=" + peer.bytesSent());
    }
    return "status "
        + status.ready()
        + " "
        + status.peers().size()
        + " "
        + address(status, status.coordinator())
        + " "
        + (stages.length() == 0 ? "-" : stages)
        + " "
        + (sent.length() == 0 ? "-" : sent);
  }

  /**
   * The plan in force, the devices and links it was made for, and what one session is to expect.
   */
  private String view() {
    ClusterStatus status = opened().cluster().status();
    Plan plan = status.plan();
    ClusterStatus.Forecast forecast = status.forecast();
    if (!status.ready() || plan == null || forecast == null) {
      return "view -";
    }
    List<DeviceProfile> devices = new ArrayList<>();
    for (ClusterStatus.Peer peer : status.peers()) {
      if (peer.profile() != null) {
        devices.add(peer.profile());
      }
    }
    Fleet fleet = new Fleet("cluster", devices, status.links());
    return String.join(
        " ",
        "view",
        encoded(PlanCodec.toJson(plan)),
        encoded(FleetCodec.toJson(fleet)),
        Double.toString(forecast.bestAlone()),
        Double.toString(forecast.together()));
  }

  private static String address(ClusterStatus status, String id) {
    for (ClusterStatus.Peer peer : status.peers()) {
      if (peer.id().equals(id) && !peer.addresses().isEmpty()) {
        return peer.addresses().get(0);
      }
    }
    return "?";
  }

  /** Several generations end at once. */
  private synchronized void println(String line) {
    out.println(line);
    out.flush();
  }

  static String encoded(String text) {
    return Base64.getEncoder().encodeToString((text + "|").getBytes(StandardCharsets.UTF_8));
  }

  static String decoded(String base64) {
    String text = new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    return text.substring(0, text.length() - 1);
  }

  static String host(String address) {
    return address.substring(0, address.lastIndexOf(':'));
  }

  static int port(String address) {
    return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
  }
}

package org.e2llm.samples.cluster;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.concurrent.Callable;
import org.e2llm.E2llm;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Share;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanCodec;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.ContextOption;
import org.e2llm.samples.console.Json;
import org.e2llm.samples.console.ModelOptions;
import org.e2llm.samples.console.Sizes;
import org.e2llm.samples.console.UsageException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows who is in a cluster and what each of them hosts. */
@Command(
    name = "cluster",
    description = "Shows the peers of a cluster and the plan in force.",
    sortOptions = false,
    footer = {
      "",
      "t/s and ms/step are those of the last second in which a stage computed; (×1.10) says that a",
      "decode step takes a tenth longer than the planner expects. Links are measured by the devices at",
      "their ends: payload one way, and half the round trip. KV hand-offs are those of all devices that",
      "have a stage, since they joined; of one that was not whole the rest was computed again.",
      "",
      "Example:",
      "  samples/run cluster --secret-file s --join 192.168.1.20:7600"
    })
public final class ClusterCommand implements Callable<Integer> {
  private static final long PATIENCE = 10_000_000_000L;
  private static final String PEERS = "%-17s %-16s %-8s %-8s %-8s %-10s %-8s %-14s %s";
  private static final String LINKS = "%-20s %8s %8s %12s";

  private final Console console;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private ContextOption context = new ContextOption();
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      description =
          "Also show what would be expected if this device shared so much memory, such as 2G; it"
              + " does not.")
  private @Nullable String memory;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  public ClusterCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws InterruptedException {
    if (!cluster.isGiven()) {
      throw new UsageException("which cluster? give --secret-file FILE, and --join HOST:PORT");
    }
    try (E2llm llm = cluster.apply(context.apply(model.builder(true)), console).open()) {
      ClusterStatus status = settled(llm);
      ClusterStatus.Forecast joined = joined(llm);
      console.print(json ? json(status, joined) + "\n" : table(status, joined));
      if (status.plan() == null) {
        console.noteln(
            status.peers().size() < 2
                ? "error: no peer was found within 10 s"
                : "error: there is no plan: "
                    + (status.problem().isEmpty() ? "none was made yet" : status.problem()));
        return 1;
      }
    }
    return 0;
  }

  /** The status once a plan is known and the peers are the same for a moment, or after 10 s. */
  private static ClusterStatus settled(E2llm llm) throws InterruptedException {
    long start = System.nanoTime();
    ClusterStatus status = llm.cluster().status();
    int same = 0;
    while (System.nanoTime() - start < PATIENCE
        && (status.plan() == null || status.forecast() == null || same < 10)) {
      Thread.sleep(50);
      ClusterStatus next = llm.cluster().status();
      same = next.peers().size() == status.peers().size() ? same + 1 : 0;
      status = next;
    }
    return status;
  }

  private ClusterStatus.@Nullable Forecast joined(E2llm llm) {
    return memory == null
        ? null
        : llm.cluster().forecast(Share.memory(SizeText.parse("--memory", memory)));
  }

  private static String table(ClusterStatus status, ClusterStatus.@Nullable Forecast joined) {
    StringBuilder text = new StringBuilder();
    row(
        text, PEERS, "peer", "name", "role", "layers", "on disk", "memory", "t/s", "ms/step",
        "address");
    for (ClusterStatus.Peer peer : status.peers()) {
      DeviceProfile profile = peer.profile();
      ClusterStatus.StageLoad stage = peer.stage();
      row(
          text,
          PEERS,
          shortId(peer.id())
              + (peer.id().equals(status.coordinator()) ? "*" : "")
              + (peer.id().equals(status.self()) ? " (this)" : ""),
          peer.name(),
          role(status.plan(), peer.id()),
          layers(status.plan(), peer.id()),
          onDisk(peer),
          profile == null ? "-" : Sizes.of(profile.memoryBytes()),
          stage == null ? "-" : decimal("%.1f", stage.tokensPerSecond()),
          stage == null || stage.stepSeconds() == 0 ? "-" : step(stage),
          peer.addresses().isEmpty() ? "-" : peer.addresses().get(0));
    }
    links(text, status);
    handoffs(text, status.allHandoffs());
    Plan plan = status.plan();
    if (plan != null) {
      text.append("plan ").append(plan.order().counter()).append(" (").append(plan.strategy());
      text.append(status.ready() ? "), serving; " : "), getting ready; ");
      text.append("* coordinates\n");
      plan.placements()
          .forEach(
              place ->
                  text.append("  ")
                      .append(shortId(place.device()))
                      .append(": ")
                      .append(place.reason())
                      .append('\n'));
    }
    ClusterStatus.Forecast forecast = status.forecast();
    if (forecast != null) {
      text.append("expected for one session: ").append(forecast.text()).append('\n');
    }
    if (joined != null) {
      text.append("if this device shared that: ").append(joined.text()).append('\n');
    }
    return text.toString();
  }

  /** With how far it is from what the planner expects. */
  private static String step(ClusterStatus.StageLoad stage) {
    String measured = decimal("%.1f", stage.stepSeconds() * 1e3);
    return stage.residual() == 0
        ? measured
        : measured + decimal(" (×%.2f)", stage.residual()); // measured over predicted
  }

  private static void links(StringBuilder text, ClusterStatus status) {
    if (status.links().isEmpty()) {
      return;
    }
    row(text, LINKS, "link", "MB/s", "ms", "bytes/token");
    for (LinkProfile link : status.links()) {
      row(
          text,
          LINKS,
          shortId(link.a()) + " - " + shortId(link.b()),
          decimal("%.1f", link.bytesPerSecond() / 1e6),
          decimal("%.2f", link.latencySeconds() * 1e3),
          bytesPerToken(status, link));
    }
  }

  /** Both ways, as far as stages send over it. */
  private static String bytesPerToken(ClusterStatus status, LinkProfile link) {
    double bytes = 0;
    for (ClusterStatus.Peer peer : status.peers()) {
      ClusterStatus.StageLoad stage = peer.stage();
      if (stage != null
          && (peer.id().equals(link.a()) && stage.next().equals(link.b())
              || peer.id().equals(link.b()) && stage.next().equals(link.a()))) {
        bytes += stage.bytesPerToken();
      }
    }
    return bytes == 0 ? "-" : decimal("%.0f", bytes);
  }

  /** Of prompts whose KV one replica computed for another; most clusters have none. */
  private static void handoffs(StringBuilder text, ClusterStatus.Handoffs all) {
    if (all.equals(ClusterStatus.Handoffs.NONE)) {
      return;
    }
    text.append("KV hand-offs: ").append(all.complete()).append(" whole, ");
    text.append(all.broken()).append(" not whole, ");
    text.append(Sizes.of(all.receivedBytes())).append(" received\n");
  }

  private static String shortId(String id) {
    return id.substring(0, Math.min(8, id.length()));
  }

  private static String decimal(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  /** The layers whose bytes lie there. */
  private static String onDisk(ClusterStatus.Peer peer) {
    if (peer.full()) {
      return "all";
    }
    StringBuilder text = new StringBuilder();
    for (LayerRange range : peer.layers()) {
      text.append(text.length() == 0 ? "" : ",");
      text.append(range.from()).append('-').append(range.to() - 1);
    }
    return text.length() == 0 ? "-" : text.toString();
  }

  private static void row(StringBuilder text, String format, String... cells) {
    text.append(String.format(Locale.ROOT, format, (Object[]) cells).stripTrailing());
    text.append('\n');
  }

  private static String role(@Nullable Plan plan, String peer) {
    ReplicaPlan replica = replica(plan, peer);
    return replica == null ? "-" : replica.role().toString();
  }

  private static String layers(@Nullable Plan plan, String peer) {
    ReplicaPlan replica = replica(plan, peer);
    StringJoiner layers = new StringJoiner(",");
    if (replica != null) {
      for (StagePlan stage : replica.stages()) {
        if (stage.device().equals(peer)) {
          layers.add(stage.layers().from() + "-" + (stage.layers().to() - 1));
        }
      }
    }
    return layers.length() == 0 ? "-" : layers.toString();
  }

  private static @Nullable ReplicaPlan replica(@Nullable Plan plan, String peer) {
    if (plan != null) {
      for (ReplicaPlan replica : plan.replicas()) {
        for (StagePlan stage : replica.stages()) {
          if (stage.device().equals(peer)) {
            return replica;
          }
        }
      }
    }
    return null;
  }

  private static String json(ClusterStatus status, ClusterStatus.@Nullable Forecast joined) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("cluster", status.name());
    fields.put("self", status.self());
    fields.put("modelId", status.modelId());
    fields.put("coordinator", status.coordinator());
    fields.put("ready", status.ready());
    fields.put("problem", status.problem());
    Plan plan = status.plan();
    fields.put("plan", plan == null ? null : new Json.Raw(PlanCodec.toJson(plan)));
    List<Object> peers = new ArrayList<>();
    for (ClusterStatus.Peer peer : status.peers()) {
      Map<String, @Nullable Object> each = new LinkedHashMap<>();
      each.put("id", peer.id());
      each.put("name", peer.name());
      each.put("addresses", peer.addresses());
      each.put("direct", peer.direct());
      each.put("layers", layers(plan, peer.id()));
      each.put("onDisk", onDisk(peer));
      each.put("memoryBytes", peer.profile() == null ? null : peer.profile().memoryBytes());
      each.put("bytesSent", peer.bytesSent());
      each.put("bytesReceived", peer.bytesReceived());
      each.put("roundTripSeconds", peer.roundTripSeconds());
      each.put("stage", stage(peer.stage()));
      peers.add(each);
    }
    fields.put("peers", peers);
    List<Object> links = new ArrayList<>();
    for (LinkProfile link : status.links()) {
      Map<String, @Nullable Object> each = new LinkedHashMap<>();
      each.put("a", link.a());
      each.put("b", link.b());
      each.put("bytesPerSecond", link.bytesPerSecond());
      each.put("latencySeconds", link.latencySeconds());
      links.add(each);
    }
    fields.put("links", links);
    fields.put("handoffs", handoffs(status.allHandoffs()));
    if (status.forecast() != null) {
      fields.put("forecastTokensPerSecond", forecast(status.forecast()));
    }
    if (joined != null) {
      fields.put("forecastIfSharing", forecast(joined));
    }
    return Json.object(fields);
  }

  private static Map<String, @Nullable Object> forecast(ClusterStatus.Forecast forecast) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("alone", forecast.alone());
    fields.put("best", forecast.best());
    fields.put("bestAlone", forecast.bestAlone());
    fields.put("together", forecast.together());
    return fields;
  }

  private static @Nullable Object stage(ClusterStatus.@Nullable StageLoad stage) {
    if (stage == null) {
      return null;
    }
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("tokensPerSecond", stage.tokensPerSecond());
    fields.put("stepSeconds", stage.stepSeconds());
    fields.put("residual", stage.residual());
    fields.put("sessions", stage.sessions());
    fields.put("queued", stage.queued());
    fields.put("next", stage.next());
    fields.put("bytesPerToken", stage.bytesPerToken());
    fields.put("handoffs", handoffs(stage.handoffs()));
    return fields;
  }

  private static Map<String, @Nullable Object> handoffs(ClusterStatus.Handoffs handoffs) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("complete", handoffs.complete());
    fields.put("broken", handoffs.broken());
    fields.put("sentBytes", handoffs.sentBytes());
    fields.put("receivedBytes", handoffs.receivedBytes());
    return fields;
  }
}

package org.e2llm.samples.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.e2llm.E2llm;
import org.e2llm.InfeasiblePlanException;
import org.e2llm.cluster.Secret;
import org.e2llm.model.KvType;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.Workload;
import org.e2llm.planner.Planner;
import org.e2llm.planner.cost.PlannedModel;
import org.e2llm.samples.Plans;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Devices that differ, as this machine can make them: one with a core of its own, one with a third
 * of a core, one with a tenth behind a slow link. None may use the memory that the model needs.
 * They measure themselves and their links, and the plan follows from that.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class UnequalDevicesTest {
  private static final int FAST = 0;
  private static final int SLOWER = 1;
  private static final int CRAWLING = 2;

  /** Of a core. */
  private static final int[] PERCENT = {100, 30, 10};

  /**
   * Kilobits per second. Over the last, the hidden states of a request take three times as long as
   * the first device needs for its layers: no single layer is worth that.
   */
  private static final int[] LINKS = {200_000, 50_000, 500};

  /**
   * Nearly the model with the KV cache of a request of 1,280 tokens: one device does not hold it,
   * two have room for many a cut, and need no third one for its memory.
   */
  private static final long SHARE = 120L << 20;

  private static final KvType CACHE = KvType.Q8_0;

  /** The whole model on each device. */
  private static final long PLENTY = 1L << 30;

  /** A plan gives way to one that is a tenth better, and what is measured wavers. */
  private static final double AS_GOOD = 1.2;

  private static final String PROMPT = "The capital of France is";
  private static final int TOKENS = 12;
  private static final int MOST_ROUNDS = 3;
  private static final int MOST_SECONDS = 100;

  private final Path model =
      Path.of(System.getProperty("e2llm.shared", "../../shared"))
          .resolve("models/SmolLM2-135M-Instruct-Q4_1.gguf")
          .toAbsolutePath()
          .normalize();

  private final Planner planner = new Planner();
  private final List<CpuQuota> quotas = new ArrayList<>();
  private final List<App> apps = new ArrayList<>();
  private Namespaces lan;

  @BeforeAll
  void start(@TempDir Path folder) throws IOException {
    assumeTrue(Files.exists(model), "needs " + model);
    assumeTrue(Namespaces.available(), "needs root, network namespaces and tc");
    assumeTrue(CpuQuota.available(), "needs control groups that limit CPU time");
    Path secret = Files.writeString(folder.resolve("secret"), Secret.generate().reveal());
    lan = new Namespaces(PERCENT.length);
    for (int i = 0; i < PERCENT.length; i++) {
      lan.shape(i, LINKS[i]);
      List<String> arguments =
          new ArrayList<>(
              List.of(secret.toString(), folder.resolve("app" + i).toString(), address(i)));
      for (int other = 0; other < i; other++) {
        arguments.add(address(other));
      }
      Jvm process =
          new Jvm(
              lan.places().get(i).prefix(),
              List.of(
                  "--add-modules",
                  "jdk.incubator.vector",
                  "--enable-native-access=ALL-UNNAMED",
                  "-XX:TieredStopAtLevel=4"), // vectors are slower than scalars elsewhere
              folder.resolve("app" + i + ".err"),
              AppProgram.class.getName(),
              arguments);
      apps.add(new App(process));
    }
    warmUp(folder);
    for (int i = 0; i < PERCENT.length; i++) {
      quotas.add(new CpuQuota(PERCENT[i]));
      quotas.get(i).add(apps.get(i).process());
    }
  }

  /**
   * Each by itself until its speed is steady: a tenth of a core needs minutes until a fresh JVM has
   * compiled what it uses.
   */
  private void warmUp(Path folder) throws IOException {
    for (int i = 0; i < apps.size(); i++) {
      App app = apps.get(i);
      for (int round = 0; round < MOST_ROUNDS && !isSteady(folder.resolve("app" + i)); round++) {
        app.open(model, PLENTY);
        app.generate(PROMPT, 0, TOKENS).join();
        App.closeAll(List.of(app));
      }
    }
  }

  /** Then it is remembered. */
  private static boolean isSteady(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return false;
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.anyMatch(file -> file.getFileName().toString().startsWith("speed-"));
    }
  }

  @AfterAll
  void end() {
    try {
      apps.forEach(app -> app.process().close());
      quotas.forEach(CpuQuota::close);
    } finally {
      if (lan != null) {
        lan.close();
      }
    }
  }

  private String address(int app) {
    return lan.places().get(app).address();
  }

  @Test
  void layersFollowWhatWasMeasured() {
    List<String> ids =
        App.openAll(apps, model, SHARE, App.Wish.THROUGHPUT, App.Wish.SMALL_CACHE).stream()
            .map(App.Opened::id)
            .toList();
    ModelSpec spec = E2llm.inspect(model).spec();
    App.View view =
        apps.get(FAST)
            .awaitView(
                MOST_SECONDS,
                "a plan that knows all devices serves, and what was measured is what the machine gives",
                each -> knowsAll(each, ids) && areAsTold(each, ids));
    view =
        apps.get(FAST)
            .awaitView(
                MOST_SECONDS,
                "a plan without the slowest follows what was measured, unlike " + view,
                each -> each.layers(ids.get(CRAWLING)) == 0 && follows(each, spec, ids));

    assertThat(view.layers(ids.get(FAST))).isGreaterThan(view.layers(ids.get(SLOWER)));
    assertThat(view.layers(ids.get(FAST)) + view.layers(ids.get(SLOWER)))
        .isEqualTo(spec.layerCount());
    assertThat(view.reason(ids.get(CRAWLING))).startsWith("Left out: ");
    PlannedModel planned = new PlannedModel(spec, CACHE);
    for (ReplicaPlan replica : view.plan().replicas()) {
      for (StagePlan stage : replica.stages()) {
        int from = stage.layers().from();
        assertThat(planned.memoryBytes(from, stage.layers().to(), replica.kvTokens()))
            .as("memory of %s", stage)
            .isLessThanOrEqualTo(SHARE);
      }
    }

    String expected;
    try (E2llm alone = E2llm.builder().model(model).kvType(CACHE).threads(1).open()) {
      expected = alone.generate(AppProgram.request(PROMPT, 0, TOKENS)).await().text();
    }
    App.Outcome outcome = apps.get(CRAWLING).generate(PROMPT, 0, TOKENS).join();
    assertThat(outcome.error()).as(outcome.message()).isEmpty();
    assertThat(outcome.text()).isEqualTo(expected);
  }

  private boolean knowsAll(App.View view, List<String> ids) {
    return view.plan().placements().size() == ids.size();
  }

  /** What a device or a probe finds first may be off; then it is measured again. */
  private boolean areAsTold(App.View view, List<String> ids) {
    double fast = view.profile(ids.get(FAST)).prefillFlops();
    double slower = view.profile(ids.get(SLOWER)).prefillFlops();
    return slower > 0.1 * fast
        && slower < 0.7 * fast
        && view.profile(ids.get(CRAWLING)).prefillFlops() < 0.4 * fast
        && isSlow(link(view, ids.get(FAST), ids.get(SLOWER)), LINKS[SLOWER])
        && isSlow(link(view, ids.get(FAST), ids.get(CRAWLING)), LINKS[CRAWLING]);
  }

  private static boolean isSlow(LinkProfile link, int kilobitsPerSecond) {
    return link != null && link.bytesPerSecond() < 1.5e3 / 8 * kilobitsPerSecond;
  }

  /** Whether no other cut between the two that has room for as many tokens is much better. */
  private boolean follows(App.View view, ModelSpec spec, List<String> ids) {
    ReplicaPlan made = judged(view, spec, view.plan());
    double best = 0;
    for (int first : List.of(FAST, SLOWER)) {
      List<String> chain = List.of(ids.get(first), ids.get(first == FAST ? SLOWER : FAST));
      for (int cut = 1; cut < spec.layerCount(); cut++) {
        Plan plan = Plans.of(spec.name(), spec.layerCount(), spec.contextLength(), chain, cut);
        ReplicaPlan other = judged(view, spec, plan);
        if (other != null && made != null && other.kvTokens() >= made.kvTokens()) {
          best = Math.max(best, other.expected().requestsPerSecond());
        }
      }
    }
    return made != null && made.expected().requestsPerSecond() * AS_GOOD >= best;
  }

  /** As reckoned from what was measured; null for a plan that does not fit. */
  private @Nullable ReplicaPlan judged(App.View view, ModelSpec spec, Plan plan) {
    Workload some = Workload.concurrent(List.of(new Workload.Lengths(256, 256)), 8);
    PlanOptions options = PlanOptions.builder().throughput(true).kvType(CACHE).build();
    try {
      return planner.judge(plan, spec, view.fleet(), some, Slo.NONE, options).replicas().get(0);
    } catch (InfeasiblePlanException e) {
      return null;
    }
  }

  private static LinkProfile link(App.View view, String one, String other) {
    return view.fleet().links().stream()
        .filter(each -> List.of(each.a(), each.b()).containsAll(List.of(one, other)))
        .findFirst()
        .orElse(null);
  }
}

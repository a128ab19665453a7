package org.e2llm.samples.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.e2llm.plan.PlanCodec;
import org.e2llm.planner.strategy.Strategies;
import org.e2llm.planner.strategy.Strategy;
import org.e2llm.samples.Golden;
import org.e2llm.samples.Run;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code plan}: what it prints, for people and for scripts. */
class PlanCommandTest {
  private static final List<String> METRICS =
      List.of("queue", "handoff", "admission", "wait", "ttft", "tpot", "e2e");

  @TempDir private Path folder;

  @Test
  void saysWhoHasWhichLayersInWhichRoleAndWhy() {
    String text = PlanRuns.three(folder, "--strategy", "single-pipeline").text();

    assertThat(text).startsWith("Llama-3-8B on three, long-in: 40 requests of ");
    assertThat(text).contains("load 0.9: ", "requests/s arrive", "SLO: TTFT ", "goodput at most ");
    assertThat(text).containsPattern("\n  replica 1 MIXED: TTFT [0-9.]+ s, TPOT [0-9.]+ s, ");
    assertThat(text).containsPattern("\n    [abc] +\\[0, [0-9]+\\) +MIXED replica 1: ");
    for (String device : List.of("a", "b", "c")) {
      assertThat(text).containsPattern("\n    " + device + " +(\\[[0-9]+, [0-9]+\\)|-) +\\S+ ");
    }
  }

  @Test
  void tableHasAllMetricsOfEveryStrategy() {
    String text = PlanRuns.known("--strategy", "replicas,e2llm", "--slo", "ttft=1e6").text();
    assertThat(text).contains("TTFT 1000000 s, TPOT no limit");
    List<String> lines = text.lines().filter(line -> line.startsWith("|")).toList();

    assertThat(lines).hasSize(2 + 2 * 4);
    List<String> head = new ArrayList<>(List.of("strategy", "router", "seconds"));
    head.addAll(METRICS);
    head.addAll(List.of("goodput", "requests/s"));
    assertThat(cells(lines.get(0))).containsExactlyElementsOf(head);
    assertThat(lines.subList(2, 10))
        .extracting(line -> cells(line).get(2))
        .containsExactly("mean", "p50", "p90", "p99", "mean", "p50", "p90", "p99");
    assertThat(cells(lines.get(2)).get(0)).isEqualTo("replicas");
    assertThat(cells(lines.get(6)).get(0)).isEqualTo("e2llm");
    assertThat(lines).extracting(String::length).containsOnly(lines.get(0).length());
  }

  @Test
  void jsonHasTheFieldsThatScriptsExpect() {
    String[] options = {"--strategy", "all", "--load", "0.5", "--seed", "7", "--json"};
    Map<String, Object> result =
        Golden.object(Golden.parse(PlanRuns.three(folder, options).text()));

    assertThat(result.keySet())
        .containsExactly("fleet", "model", "workload", "load", "seed", "requests", "strategies");
    assertThat(result)
        .containsEntry("model", "llama3-8b-q4")
        .containsEntry("workload", "long-in")
        .containsEntry("load", 0.5)
        .containsEntry("seed", 7)
        .containsEntry("requests", 40);
    List<String> names = new ArrayList<>();
    for (Map<String, Object> strategy : strategies(result)) {
      assertThat(strategy.keySet())
          .containsExactly(
              "strategy", "variant", "router", "plan", "metrics", "goodput", "throughput");
      names.add(strategy.get("strategy") + ":" + strategy.get("variant"));
      Map<String, Object> metrics = Golden.object(strategy.get("metrics"));
      assertThat(metrics.keySet()).containsExactlyElementsOf(METRICS);
      for (Object metric : metrics.values()) {
        assertThat(Golden.object(metric).keySet()).containsExactly("mean", "p50", "p90", "p99");
      }
      assertThat(number(strategy.get("goodput"))).isBetween(0.0, 1.0);
      assertThat(number(strategy.get("throughput"))).isPositive();
    }
    assertThat(names)
        .containsExactlyInAnyOrderElementsOf(
            Strategies.list().stream().map(PlanCommandTest::named).toList());
    assertThat(names.get(0)).isEqualTo("adaptive:");
  }

  private static String named(Strategy strategy) {
    return strategy.name() + ":" + strategy.variant();
  }

  @Test
  void waitIsTheSumOfItsPartsAndThePlanCanBeReadBack() {
    String text = PlanRuns.known("--strategy", "e2llm", "--json").text();
    Map<String, Object> metrics =
        Golden.object(strategies(Golden.object(Golden.parse(text))).get(0).get("metrics"));

    double parts = mean(metrics, "queue") + mean(metrics, "handoff") + mean(metrics, "admission");
    assertThat(mean(metrics, "wait")).isCloseTo(parts, within(1e-9));

    String plan = text.substring(text.indexOf("\"plan\" : ") + 9, text.indexOf("\"metrics\""));
    assertThat(PlanCodec.parse(plan.strip().replaceFirst(",$", "")).strategy()).isEqualTo("e2llm");
  }

  @Test
  void sameCommandGivesTheSameOutput() {
    String[] options = {"--strategy", "adaptive", "--seed", "3"};

    assertThat(PlanRuns.three(folder, options).text())
        .isEqualTo(PlanRuns.three(folder, options).text());
  }

  @Test
  void routerOfAllStrategiesCanBeChosen() {
    for (String router : List.of("ect", "jsq")) {
      Map<String, Object> result =
          json("--strategy", "e2llm,splitwise:tuned,replicas", "--router", router);

      assertThat(strategies(result)).extracting(each -> each.get("router")).containsOnly(router);
    }
  }

  @Test
  void nameWithoutVariantStandsForAllVariants() {
    Map<String, Object> result = json("--strategy", "splitwise");

    assertThat(strategies(result)).hasSizeGreaterThanOrEqualTo(8);
    assertThat(strategies(result))
        .extracting(each -> each.get("strategy"))
        .containsOnly("splitwise");
  }

  @Test
  void tighterSloGivesLessGoodput() {
    String[] strict = {"--strategy", "replicas", "--slo", "ttft=1e-3,tpot=1e-6"};
    String[] loose = {"--strategy", "replicas", "--slo", "ttft=1e6"};

    assertThat(number(strategies(json(strict)).get(0).get("goodput"))).isZero();
    assertThat(number(strategies(json(loose)).get(0).get("goodput"))).isEqualTo(1);
  }

  @Test
  void takesAnyModelByItsHeader() {
    Path model = Golden.repository().resolve("samples/models/stories260K-F32.gguf");
    Path fleet = PlanRuns.write(folder, PlanRuns.threeDevices());

    Run run =
        Run.of(
            ("plan --strategy e2llm --workload uniform --requests 20 --fleet "
                    + fleet
                    + " --model "
                    + model)
                .split(" "));

    assertThat(run.text()).startsWith("stories260K on three, uniform: 20 requests");
  }

  @Test
  void takesRecordedRequestsWithAndWithoutTheirArrivals() {
    StringBuilder rows = new StringBuilder("TIMESTAMP,ContextTokens,GeneratedTokens\n");
    for (int i = 0; i < 30; i++) {
      rows.append(i / 10 * 100 + i).append(",200,20\n"); // three bursts
    }
    Path trace = PlanRuns.write(folder, "mine.csv", rows.toString());

    String drawn = traffic(trace.toString());
    String replayed = traffic(trace + "-replay");

    assertThat(drawn).contains("40 requests of 200 tokens in and 20 out");
    assertThat(replayed).contains("40 requests of 200 tokens in and 20 out");
    assertThat(drawn).isNotEqualTo(replayed.replace("-replay", ""));
  }

  @Test
  void knowsTheAzureTracesByName() {
    Shared.require("data/azure-traces/AzureLLMInferenceTrace_code.csv");

    assertThat(traffic("code")).contains("on three, code: 40 requests");
    assertThat(traffic("conv-replay")).contains("on three, conv-replay: 40 requests");
  }

  private String traffic(String workload) {
    return PlanRuns.three(folder, "--strategy", "replicas", "--workload", workload).text();
  }

  @Test
  void helpNamesWhatCanBeChosen() {
    assertThat(Run.of("plan", "--help").text())
        .contains("full12", "mid10", "weak10", "homog8", "llama3-8b-q4", "qwen25-32b-q4")
        .contains("conv-replay", "code-replay", "long-in", "long-out", "adaptive", "ect|jsq");
  }

  private static Map<String, Object> json(String... options) {
    List<String> all = new ArrayList<>(List.of(options));
    all.add("--json");
    return Golden.object(Golden.parse(PlanRuns.known(all.toArray(new String[0])).text()));
  }

  private static List<Map<String, Object>> strategies(Map<String, Object> result) {
    return ((List<?>) result.get("strategies")).stream().map(Golden::object).toList();
  }

  private static double mean(Map<String, Object> metrics, String name) {
    return number(Golden.object(metrics.get(name)).get("mean"));
  }

  private static double number(Object value) {
    return ((Number) value).doubleValue();
  }

  private static List<String> cells(String line) {
    return List.of(line.substring(1).strip().split("\\s*\\|\\s*", -1)).stream()
        .map(String::strip)
        .toList()
        .subList(0, 12);
  }
}

package org.e2llm.planner;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.FleetCodec;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanCodec;
import org.e2llm.plan.PlanListener;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.planner.catalog.KnownModels;
import org.e2llm.planner.strategy.Strategies;
import org.junit.jupiter.api.Test;

/** What docs/planner.md shows is what the planner does. */
class DocumentationTest {
  private static final Pattern BLOCK = Pattern.compile("```json\n(.*?)\n```", Pattern.DOTALL);

  @Test
  void thePlanOfTheExampleIsThePlanOfItsFleet() throws IOException {
    String doc = Files.readString(repository().resolve("docs/planner.md"));
    List<String> blocks = BLOCK.matcher(doc).results().map(DocumentationTest::block).toList();
    Fleet fleet = FleetCodec.parse(only(blocks, FleetCodec.FORMAT));
    Plan shown = PlanCodec.parse(only(blocks, PlanCodec.FORMAT));
    Plan made =
        new Planner()
            .plan(
                KnownModels.get("qwen25-32b-q4"),
                fleet,
                Workload.atRate(List.of(new Workload.Lengths(1155, 211)), 0.1),
                Slo.NONE,
                PlanOptions.builder().strategy("e2llm").build(),
                PlanListener.NONE);
    assertThat(PlanCodec.toJson(made))
        .as("the plan made now; if it is right, docs/planner.md needs it")
        .isEqualTo(PlanCodec.toJson(shown));
  }

  @Test
  void everyStrategyIsListed() throws IOException {
    String doc = Files.readString(repository().resolve("docs/planner.md"));
    assertThat(Strategies.list())
        .allSatisfy(strategy -> assertThat(doc).contains("`" + strategy.name()));
  }

  private static String block(MatchResult match) {
    return match.group(1);
  }

  private static String only(List<String> blocks, String format) {
    return blocks.stream().filter(block -> block.contains(format)).findFirst().orElseThrow();
  }

  private static Path repository() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("mvnw"))) {
      folder = folder.getParent();
    }
    return folder;
  }
}

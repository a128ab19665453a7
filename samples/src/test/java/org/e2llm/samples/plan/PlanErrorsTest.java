package org.e2llm.samples.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.FleetCodec;
import org.e2llm.samples.Run;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code plan}: what cannot be done ends with one line that says what would. */
class PlanErrorsTest {
  private static final String HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--fleet full13 | full13 full12 homog8 JSON",
        "--fleet nowhere.json | nowhere.json no such file",
        "--model llama4 | llama4 llama3-8b-q4 qwen25-32b-q4 GGUF",
        "--model nowhere.gguf | nowhere.gguf no such file",
        "--model pom.xml | pom.xml",
        "--workload chat | chat conv long-in CSV",
        "--workload nowhere.csv | nowhere.csv no such file",
        "--load 0 | --load 0.0 above",
        "--load -1 | --load -1.0 above",
        "--load NaN | --load NaN above",
        "--load much | --load much",
        "--strategy magic | magic e2llm splitwise:tuned",
        "--router fastest | --router ECT JSQ",
        "--slo fast | fast ttft=SECONDS",
        "--slo ttft=soon | soon seconds",
        "--slo ttft=0 | ttft 0 above",
        "--slo ttft=1,tpot=-1 | tpot -1 above",
        "--requests 0 | --requests 0",
        "--requests some | --requests some",
        "--seed x | --seed x",
        "--report nowhere/plan.html | nowhere/plan.html",
        "--report . | --report",
      })
  void wrongOptionsAreNamed(String options, String expected) {
    Run run = PlanRuns.three(folder, options.strip().split(" "));

    assertThat(run.errorLine()).contains(expected.split(" "));
    assertThat(run.out()).isEmpty();
  }

  @Test
  void missingOptionsAreNamed() {
    assertThat(Run.of("plan").errorLine()).contains("--fleet", "--model", "--workload");
  }

  @Test
  void malformedFleetIsSaidWithItsPlace() {
    String good = FleetCodec.toJson(PlanRuns.threeDevices());

    assertThat(error("broken.json", good.substring(0, 200))).contains("broken.json");
    assertThat(error("unknown.json", good.replace("\"fma\"", "\"fms\"")))
        .contains("unknown.json", "fm");
    assertThat(error("negative.json", good.replaceFirst("7.5E10", "-1")))
        .contains("negative.json", "memoryBandwidth", "-1");
    assertThat(error("empty.json", good.replaceFirst("(?s)\\[ \\{.*\\} \\]", "[ ]")))
        .contains("empty.json", "device");
  }

  private String error(String name, String text) {
    return PlanRuns.run(PlanRuns.write(folder, name, text)).errorLine();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | line 1 TIMESTAMP",
        "TIME,IN,OUT | line 1 TIME,IN,OUT",
        "HEADER | no request",
        "HEADER 0,10,5;1,ten,5 | line 3 ContextTokens ten",
        "HEADER 0,10,5;1,10 | line 3 fields",
        "HEADER 0,10,0 | line 2 GeneratedTokens 0",
        "HEADER 5,10,5;4,10,5 | line 3 TIMESTAMP",
        "HEADER noon,10,5 | line 2 TIMESTAMP noon",
      })
  void malformedTraceIsSaidWithLineAndField(String rows, String expected) {
    String text = rows.strip().replace("HEADER", HEADER).replace("\n ", "\n").replace(';', '\n');
    Path trace = PlanRuns.write(folder, "bad.csv", text);

    String error = PlanRuns.three(folder, "--workload", trace.toString()).errorLine();

    assertThat(error).contains("bad.csv").contains(expected.strip().split(" "));
  }

  @Test
  void modelThatFitsNowhereIsToldHowMuchMemoryIsMissing() {
    Path fleet =
        PlanRuns.write(folder, Fleet.of("one", List.of(PlanRuns.device("a", 4 * PlanRuns.GB))));

    assertThat(PlanRuns.run(fleet).errorLine())
        .contains("Llama-3-8B needs", "offer 4.00 GB", "GB are missing");
  }

  @Test
  void devicesThatDoNotReachEachOtherAreSaid() {
    Path fleet = PlanRuns.write(folder, PlanRuns.apart());

    assertThat(PlanRuns.run(fleet).errorLine()).contains("reach each other", "connect them");
  }

  @Test
  void noReportIsLeftWhereNothingCouldBePlanned() {
    Path report = folder.resolve("plan.html");
    Path fleet = PlanRuns.write(folder, PlanRuns.apart());

    PlanRuns.run(fleet, "--report", report.toString()).errorLine();

    assertThat(folder.toFile().list()).containsExactly("apart.json");
  }
}

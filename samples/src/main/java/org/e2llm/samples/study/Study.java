package org.e2llm.samples.study;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.e2llm.planner.workload.Lengths;
import org.e2llm.planner.workload.Trace;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.UsageException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs the study, as far as it has not been run yet, or prints its tables. */
@Command(
    name = "study",
    description = "Simulates all strategies in all cells of the study, and keeps the results.",
    sortOptions = false,
    footer = {
      "",
      "A cell is FLEET/MODEL/WORKLOAD/LOAD; in --cells, * stands for any part, and parts missing at the",
      "end for all. Cells that are in the results are not run again, so a run that was stopped goes on",
      "where it was. References (the rate that is load 1, and the SLO) are kept beside the results.",
      "--table prints all that is there as Markdown, and what came of the aims.",
      "",
      "Examples:",
      "  samples/run study --jobs 2",
      "  samples/run study --cells full12/*/conv",
      "  samples/run study --table > docs/planner/results.md"
    })
public final class Study implements Callable<Integer> {
  private final Console console;
  private final Map<String, Lengths> recorded = new HashMap<>();

  @Option(
      names = "--jobs",
      paramLabel = "N",
      description = "Settings measured at the same time; default: one per processor.")
  private int jobs = Runtime.getRuntime().availableProcessors();

  @Option(names = "--cells", paramLabel = "FILTER", description = "Cells to run; default: all.")
  private String cells = "*";

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder of results.csv and lambda1.csv; default: docs/planner.")
  private Path out = Path.of("docs", "planner");

  @Option(
      names = "--requests",
      paramLabel = "N",
      description = "Requests of a simulation; default: 2000.")
  private int requests = 2000;

  @Option(names = "--seeds", paramLabel = "N", description = "Seeds per cell; default: 3.")
  private int seeds = 3;

  @Option(
      names = "--traces",
      paramLabel = "DIR",
      description = "Folder of the Azure traces; default: ../shared/data/azure-traces.")
  private Path traces = Path.of("..", "shared", "data", "azure-traces");

  @Option(names = "--table", description = "Run nothing; print the results as Markdown.")
  private boolean table;

  public Study(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    requireAtLeast("--jobs", jobs, 1);
    requireAtLeast("--seeds", seeds, 1);
    requireAtLeast("--requests", requests, 20);
    CellFilter filter = new CellFilter(cells);
    if (Setting.all().stream().allMatch(setting -> setting.loads(filter).isEmpty())) {
      throw new UsageException(
          "--cells "
              + cells
              + " names no cell; the first one is "
              + Setting.all().get(0).path()
              + "/"
              + Setting.LOADS.get(0));
    }
    Results results = new Results(out.resolve("results.csv"), Contender.all().size() * seeds);
    References references = new References(out.resolve("lambda1.csv"));
    if (table) {
      console.print(new ResultPage(results.all(), references).markdown());
      return 0;
    }
    return new StudyRun(console, filter, references, results)
        .run(
            jobs, setting -> new SettingRun(setting, lengths(setting.workload()), requests), seeds);
  }

  private static void requireAtLeast(String option, int value, int least) {
    if (value < least) {
      throw new UsageException(option + " " + value + " is less than " + least);
    }
  }

  private Lengths lengths(String workload) {
    for (Lengths synthetic : List.of(Lengths.LONG_IN, Lengths.LONG_OUT)) {
      if (synthetic.name().equals(workload)) {
        return synthetic;
      }
    }
    return recorded.computeIfAbsent(
        workload,
        name -> Lengths.of(Trace.read(traces.resolve("AzureLLMInferenceTrace_" + name + ".csv"))));
  }
}

package org.e2llm.samples.plan;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.planner.strategy.Strategies;
import org.e2llm.planner.strategy.Strategy;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.Interrupt;
import org.e2llm.samples.console.ProgressLine;
import org.e2llm.samples.console.SloOption;
import org.e2llm.samples.console.UsageException;
import org.e2llm.samples.study.Contender;
import org.e2llm.samples.study.Reference;
import org.e2llm.samples.study.References;
import org.e2llm.samples.study.Setting;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Plans, simulates, and shows what came of it. */
@Command(
    name = "plan",
    description =
        "Plans which device hosts which layers of a model in which role, and simulates how requests"
            + " would fare.",
    sortOptions = false,
    footer = {
      "",
      "Load 1 is the highest saturated throughput among all strategies, so every strategy gets the"
          + " same",
      "requests at the same times. Of the metrics, queue is arrival to first prefill step, handoff",
      "moving the KV cache, admission the time from there to the first decode step, wait all"
          + " three.",
      "Goodput is the share of requests in the SLO, beside what these plans cannot exceed;"
          + " requests/s is",
      "the saturated throughput. The first tenth of the requests warms up and does not count.",
      "The same command gives the same output. Ctrl-C ends it.",
      "",
      "Examples:",
      "  samples/run plan --fleet full12 --model qwen25-32b-q4 --workload conv --load 0.9",
      "  samples/run plan --fleet mid10 --model llama3-8b-q4 --workload long-in --strategy all",
      "  samples/run plan --fleet my.json --model my.gguf --workload my.csv --report plan.html",
      "  samples/run plan --fleet homog8 --model llama3-8b-q4 --workload code --strategy \\",
      "      e2llm,splitwise:tuned --router ect --slo ttft=10,tpot=0.25 --json > result.json"
    })
public final class PlanCommand implements Callable<Integer> {
  private static final String REFERENCES = "docs/planner/lambda1.csv";

  private final Console console;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--fleet",
      required = true,
      paramLabel = "NAME|FILE.json",
      description = "full12, mid10, weak10, homog8, or a file with devices and links.")
  private String fleet = "";

  @Option(
      names = {"-m", "--model"},
      required = true,
      paramLabel = "NAME|FILE.gguf",
      description = "llama3-8b-q4, qwen25-32b-q4, or a file, of which the header is read.")
  private String model = "";

  @Option(
      names = "--workload",
      required = true,
      paramLabel = "NAME|FILE.csv",
      description =
          "conv, code (lengths of the Azure traces), conv-replay, code-replay (their arrivals too),"
              + " long-in, long-out, uniform, or a trace: TIMESTAMP,ContextTokens,GeneratedTokens.")
  private String workload = "";

  @Option(
      names = "--load",
      paramLabel = "X",
      description = "Arrivals as a share of what the fleet can do; default: 0.9.")
  private double load = 0.9;

  @Option(
      names = "--strategy",
      split = ",",
      paramLabel = "NAME|all",
      description =
          "adaptive, e2llm, splitwise (or one variant, splitwise:tuned), single-pipeline, replicas,"
              + " or several, apart by commas; default: adaptive.")
  private List<String> strategies = List.of("adaptive");

  @Option(
      names = "--router",
      paramLabel = "ect|jsq",
      description = "Earliest completion or shortest queue; default: each strategy's own.")
  private @Nullable RouterKind router;

  @Option(
      names = "--slo",
      paramLabel = "ttft=S,tpot=S",
      description =
          "Seconds to the first token and per token after it; default: 4 times and twice what the"
              + " best plan gives the mean request on the idle fleet.")
  private @Nullable String slo;

  @Option(names = "--requests", paramLabel = "N", description = "Requests; default: 2000.")
  private int requests = 2000;

  @Option(names = "--seed", paramLabel = "S", description = "Of plans and requests; default: 1.")
  private long seed = 1;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Option(
      names = "--report",
      paramLabel = "FILE.html",
      description = "Write a page with the plans drawn, loads from 0.1 to 1.2 plotted, and tables.")
  private @Nullable Path report;

  public PlanCommand(Console console) {
    this.console = console;
  }

  @Override
  @SuppressWarnings("try") // Ctrl-C is ours until the end of the block, which never names it
  public Integer call() throws Exception {
    check();
    List<Contender> contenders = contenders();
    Slo asked = slo == null ? null : SloOption.parse(slo);
    Cell cell =
        new Cell(Sources.fleet(fleet), Sources.model(model), Traffic.of(workload), requests);
    List<String> notes = new ArrayList<>();
    try (ProgressLine line = ProgressLine.on(console, true)) {
      Watch watch = new Watch(line);
      Background<Comparison> work =
          new Background<>(() -> compared(cell, contenders, asked, watch, notes));
      Comparison comparison;
      try (Interrupt onCtrlC =
          Interrupt.on(
              () -> {
                watch.cancel();
                work.cancel();
              })) {
        comparison = work.await();
      } catch (CancellationException e) {
        return Interrupt.EXIT_CODE;
      }
      line.finish();
      notes.forEach(console::noteln);
      show(comparison);
    }
    return 0;
  }

  private Comparison compared(
      Cell cell, List<Contender> contenders, @Nullable Slo asked, Watch watch, List<String> notes) {
    return Comparison.of(
        cell,
        reference(cell, asked, watch),
        contenders,
        load,
        seed,
        report == null ? List.of() : Comparison.SWEEP,
        watch,
        (strategy, reason) ->
            notes.add(strategy.fullName() + " has no plan: " + reason.getMessage()));
  }

  /** From the file in which the study keeps it, else measured. */
  private Reference reference(Cell cell, @Nullable Slo asked, Watch watch) {
    Path file = Traffic.above(REFERENCES);
    if (file != null) {
      Setting setting = new Setting(fleet, model, Traffic.lengthsOf(workload));
      Reference known = new References(file).get(setting);
      if (known != null) {
        return asked == null ? known : new Reference(known.rate(), asked);
      }
    }
    return CellReference.of(cell, asked, watch);
  }

  private void check() {
    if (!(load > 0) || Double.isInfinite(load)) {
      throw new UsageException("--load " + load + ": expected is a number above 0, such as 0.9");
    } else if (requests < 1) {
      throw new UsageException("--requests " + requests + " is less than 1");
    } else if (report != null) {
      Path folder = report.toAbsolutePath().getParent();
      if (Files.isDirectory(report) || folder == null || !Files.isDirectory(folder)) {
        throw new UsageException("--report " + report + ": no file can be written there");
      }
    }
  }

  private List<Contender> contenders() {
    List<Contender> contenders = new ArrayList<>();
    chosen().forEach(strategy -> contenders.add(new Contender(strategy, router)));
    return contenders;
  }

  /** A name without variant stands for all variants. */
  private List<Strategy> chosen() {
    if (strategies.equals(List.of("all"))) {
      List<Strategy> all = new ArrayList<>(Strategies.list());
      // Ours first: a report shows first what comes first.
      all.sort(Comparator.comparing(strategy -> !strategy.name().startsWith("adaptive")));
      return all;
    }
    List<Strategy> chosen = new ArrayList<>();
    for (String name : strategies) {
      List<Strategy> found = new ArrayList<>(Strategies.list());
      if (found.stream().anyMatch(strategy -> strategy.fullName().equals(name))) {
        found.removeIf(strategy -> !strategy.fullName().equals(name));
      } else {
        found.removeIf(strategy -> !strategy.name().equals(name));
      }
      if (found.isEmpty()) {
        Strategies.get(name); // says which there are
      }
      found.removeAll(chosen);
      chosen.addAll(found);
    }
    return chosen;
  }

  private void show(Comparison comparison) throws Exception {
    if (report != null) {
      Report.write(report, comparison, commandLine());
      console.noteln("report: " + report);
    }
    if (json) {
      console.print(ResultJson.of(comparison, fleet, model));
      return;
    }
    console.println(summary(comparison));
    for (Comparison.Row row : comparison.rows()) {
      console.println(PlanText.of(row.candidate().name(), row.candidate().plan()));
    }
    console.print(MetricsTable.of(comparison));
  }

  /** As it was typed, for those who want to do it again. */
  private String commandLine() {
    List<String> words = new ArrayList<>(List.of(spec.root().name()));
    for (String word : spec.root().commandLine().getParseResult().originalArgs()) {
      words.add(word.matches("[\\w.,:+=@/-]+") ? word : "'" + word + "'");
    }
    return String.join(" ", words);
  }

  private String summary(Comparison comparison) {
    Cell cell = comparison.cell();
    Reference reference = comparison.reference();
    Workload mean = cell.traffic().requests(requests, 1, seed).workload(requests, 1);
    return String.format(
        Locale.ROOT,
        """
        %s on %s, %s: %,d requests of %.0f tokens in and %.0f out on the mean, seed %d
        load %s: %s requests/s arrive (λ1 %s)
        SLO: TTFT %s, TPOT %s; goodput at most %s
        """,
        cell.model().name(),
        cell.fleet().name(),
        cell.traffic().name(),
        requests,
        mean.meanPrompt(),
        mean.meanOutput(),
        seed,
        load,
        Figures.number(comparison.rate()),
        Figures.number(reference.rate()),
        Figures.seconds(reference.slo().ttftSeconds()),
        Figures.seconds(reference.slo().tpotSeconds()),
        Figures.number(comparison.goodputBound(load)));
  }
}

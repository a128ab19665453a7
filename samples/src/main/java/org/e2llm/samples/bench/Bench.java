package org.e2llm.samples.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.e2llm.E2llm;
import org.e2llm.ModelInspection;
import org.e2llm.Scorer;
import org.e2llm.kernels.gguf.SyntheticModel;
import org.e2llm.model.ModelSpec;
import org.e2llm.samples.cluster.ClusterOptions;
import org.e2llm.samples.cluster.ClusterShare;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.ContextOption;
import org.e2llm.samples.console.Json;
import org.e2llm.samples.console.ModelOptions;
import org.e2llm.samples.console.Notes;
import org.e2llm.samples.console.ProgressLine;
import org.e2llm.samples.console.UsageException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures tokens per second. */
@Command(
    name = "bench",
    description = "Measures how fast a model reads a prompt (pp) and generates (tg).",
    sortOptions = false,
    footer = {
      "",
      "As llama-bench: ppN feeds N tokens to an empty session, in forward passes of --batch; tgN feeds",
      "N tokens one by one, each of which gives logits. No text, no sampling, no loading in the time.",
      "Each test first runs for --warm-up seconds, so that the JVM has compiled what it runs; then",
      "come --repeat runs: their mean, and their standard deviation.",
      "With cluster options, or --sessions above 1, whole generations are measured instead, as an app",
      "sees them: ppN is N prompt tokens over the time to the first token; tgN the tokens after the",
      "first over their time, of all sessions together while all of them generate. Nothing is shared",
      "unless --memory says so; the context has to be that of the other peers.",
      "--synthetic writes random weights in the shape of a real model, once, and keeps the file: 1.1b-llama",
      "or 0.5b-qwen2, in Q4_0, Q8_0, F16 or Q4_K_M. Other engines can load it too.",
      "",
      "Examples:",
      "  samples/run bench --model model.gguf --threads 2",
      "  samples/run bench --synthetic 1.1b-llama:Q4_0 --pp 512 --tg 0",
      "  samples/run bench --pp 128 --tg 64 --repeat 5 --json > bench.json",
      "  samples/run bench --secret-file s --join 192.168.1.20:7600 --context 512 --sessions 8 --tg 64"
    })
public final class Bench implements Callable<Integer> {
  private final Console console;

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(
      names = "--synthetic",
      paramLabel = "SHAPE:TYPE",
      description = "Random weights of this shape and type instead of a model file.")
  private @Nullable String synthetic;

  @Option(
      names = "--pp",
      split = ",",
      paramLabel = "N",
      description = "Prompt lengths, apart by commas; 0 for none; default: 128,512.")
  private List<Integer> prompts = List.of(128, 512);

  @Option(
      names = "--tg",
      split = ",",
      paramLabel = "N",
      description = "Numbers of tokens to generate, apart by commas; 0 for none; default: 64.")
  private List<Integer> generations = List.of(64);

  @Option(names = "--repeat", paramLabel = "N", description = "Measured runs; default: 3.")
  private int repeat = 3;

  @Option(
      names = "--warm-up",
      paramLabel = "SECONDS",
      description = "Run each test at least this long, and at least once, before; default: 2.")
  private double warmUp = 2;

  @Option(
      names = "--sessions",
      paramLabel = "N",
      description = "Generations at the same time; default: 1.")
  private int sessions = 1;

  @Mixin private ContextOption context = new ContextOption();
  @Mixin private ClusterOptions cluster = new ClusterOptions();
  @Mixin private ClusterShare share = new ClusterShare();

  @Option(names = "--json", description = "Print an array of objects instead of a table.")
  private boolean json;

  public Bench(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws InterruptedException {
    List<Test> tests = tests();
    if (repeat < 1) {
      throw new UsageException("--repeat " + repeat + " is less than 1");
    }
    if (sessions < 1) {
      throw new UsageException("--sessions " + sessions + " is less than 1");
    }
    Path file = modelFile();
    ModelInspection inspection = E2llm.inspect(file);
    int most = tests.stream().mapToInt(Test::tokens).max().orElse(1);
    return cluster.isGiven() || sessions > 1
        ? generations(tests, file, inspection, most)
        : passes(tests, file, inspection, most);
  }

  /** Forward passes of this device alone. */
  private int passes(List<Test> tests, Path file, ModelInspection inspection, int most) {
    E2llm.Builder builder = context.apply(model.builder(file).context(most));
    try (E2llm llm = builder.open();
        Scorer scorer = llm.scorer(most)) {
      measure(tests, llm, file, inspection, test -> runs(test, scorer, llm.modelSpec()));
    }
    return 0;
  }

  /** Generations, of this device or a cluster. */
  private int generations(List<Test> tests, Path file, ModelInspection inspection, int most)
      throws InterruptedException {
    E2llm.Builder builder = model.builder(file);
    builder.context(cluster.isGiven() ? 0 : most + Generations.PROMPT + 1);
    share.apply(cluster.apply(context.apply(builder), console));
    try (E2llm llm = builder.open()) {
      if (cluster.isGiven()) {
        console.noteln(share.awaitReady(llm));
      }
      Generations generations = new Generations(llm, sessions);
      measure(tests, llm, file, inspection, generations::run);
    }
    return 0;
  }

  private void measure(
      List<Test> tests, E2llm llm, Path file, ModelInspection inspection, Measured measured) {
    List<Map<String, Object>> results = new ArrayList<>();
    Notes.slowKernels(console, llm.kernels());
    Table table = new Table(llm, inspection);
    console.print(json ? "" : table.head());
    for (Test test : tests) {
      Speed speed = speed(test, measured);
      console.print(json ? "" : table.row(test, sessions, speed));
      results.add(fields(llm, file, inspection, test, speed));
    }
    console.print(json ? Json.array(results) + "\n" : "");
  }

  private List<Test> tests() {
    List<Test> tests = new ArrayList<>();
    prompts.forEach(n -> tests.add(new Test(Test.Kind.PP, n)));
    generations.forEach(n -> tests.add(new Test(Test.Kind.TG, n)));
    tests.removeIf(test -> test.tokens() == 0);
    if (tests.isEmpty()) {
      throw new UsageException("nothing to measure: --pp and --tg are both 0");
    }
    return tests;
  }

  private Path modelFile() {
    if (synthetic == null) {
      return model.file();
    } else if (model.isGiven()) {
      throw new UsageException("--model and --synthetic exclude each other");
    }
    String[] parts = synthetic.split(":", -1);
    if (parts.length != 2) {
      throw new UsageException(
          "--synthetic " + synthetic + " is not SHAPE:TYPE, such as 1.1b-llama:Q4_0");
    }
    try (ProgressLine progress = ProgressLine.on(console, true)) {
      Path file =
          SyntheticModel.writeIfAbsent(
              CacheFolder.path(),
              parts[0],
              parts[1],
              written ->
                  progress.show(
                      String.format(
                          Locale.ROOT, "writing %s %.0f %%", synthetic, 100 * written.fraction())));
      progress.finish();
      console.noteln("synthetic model: " + file);
      return file;
    }
  }

  /** One run of a test; tokens per second. */
  private interface Measured {
    double run(Test test);
  }

  private static double runs(Test test, Scorer scorer, ModelSpec spec) {
    int[] tokens = test.input(spec.vocabularySize());
    return tokens.length * 1e9 / test.run(scorer, tokens);
  }

  private Speed speed(Test test, Measured measured) {
    long start = System.nanoTime();
    do {
      measured.run(test);
    } while (System.nanoTime() - start < warmUp * 1e9);
    double[] perSecond = new double[repeat];
    for (int i = 0; i < repeat; i++) {
      perSecond[i] = measured.run(test);
    }
    return Speed.of(perSecond);
  }

  private Map<String, Object> fields(
      E2llm llm, Path file, ModelInspection inspection, Test test, Speed speed) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("model", Table.modelLabel(inspection.spec()));
    fields.put("file", file.toAbsolutePath().normalize().toString());
    fields.put("sizeBytes", inspection.weightBytes());
    fields.put("params", inspection.spec().parameterCount());
    fields.put("kernels", llm.kernels().name());
    fields.put("threads", llm.kernels().threads());
    fields.put("test", test.name());
    if (cluster.isGiven() || sessions > 1) {
      fields.put("sessions", sessions);
      fields.put("cluster", cluster.isGiven());
    }
    fields.put("tokensPerSecond", speed.mean());
    fields.put("stddev", speed.deviation());
    return fields;
  }
}

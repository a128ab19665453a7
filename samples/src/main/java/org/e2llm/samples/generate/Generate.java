package org.e2llm.samples.generate;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.e2llm.E2llm;
import org.e2llm.Generation;
import org.e2llm.GenerationRequest;
import org.e2llm.GenerationResult;
import org.e2llm.Token;
import org.e2llm.samples.cluster.ClusterOptions;
import org.e2llm.samples.cluster.ClusterShare;
import org.e2llm.samples.console.AnyText;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.ContextOption;
import org.e2llm.samples.console.Interrupt;
import org.e2llm.samples.console.ModelOptions;
import org.e2llm.samples.console.Notes;
import org.e2llm.samples.console.ProgressLine;
import org.e2llm.samples.console.SamplingOptions;
import org.e2llm.samples.console.UsageException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Opens a model, generates from a prompt, and prints each token as it comes. */
@Command(
    name = "generate",
    description = "Generates text from a prompt, and shows it as it comes.",
    sortOptions = false,
    footer = {
      "",
      "Standard output has the prompt and the text; with --quiet the text alone, without a line end.",
      "The last line on standard error says what ran and how fast. Ctrl-C stops early.",
      "Special tokens of the model, such as <|im_start|>, are recognised in the prompt.",
      "",
      "Examples:",
      "  samples/run generate \"Once upon a time\"",
      "  samples/run generate --temperature 0 --max-tokens 50 \"The little dog\"",
      "  samples/run generate --stop $'\\n' --seed 7 --prompt \"-- a text that starts with dashes\"",
      "  cat prompt.txt | samples/run generate --model model.gguf --quiet - > answer.txt",
      "  samples/run generate --quiet --stats json \"Tom\" 2> stats.json"
    })
public final class Generate implements Callable<Integer> {
  enum StatsFormat {
    JSON
  }

  private final Console console;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "TEXT|-",
      description = "The prompt; - reads it from standard input, whole, as UTF-8.")
  private @Nullable String text;

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "TEXT",
      preprocessor = AnyText.class,
      description = "The prompt, for a text that could be taken for an option.")
  private @Nullable String prompt;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private ContextOption context = new ContextOption();
  @Mixin private SamplingOptions sampling = new SamplingOptions();
  @Mixin private ClusterOptions cluster = new ClusterOptions();
  @Mixin private ClusterShare share = new ClusterShare();

  @Option(
      names = {"-q", "--quiet"},
      description = "Print the generated text and nothing else.")
  private boolean quiet;

  @Option(
      names = "--stats",
      paramLabel = "json",
      description = "Make the last line on standard error one JSON object, also with --quiet.")
  private @Nullable StatsFormat stats;

  public Generate(Console console) {
    this.console = console;
  }

  @Override
  @SuppressWarnings("try") // Ctrl-C is ours until the end of the block, which never names it
  public Integer call() throws IOException {
    String start = promptText();
    StopRequest stop = new StopRequest();
    try (Interrupt onCtrlC = Interrupt.on(stop::request);
        ProgressLine progress = ProgressLine.on(console, !quiet);
        E2llm llm =
            share
                .apply(cluster.apply(context.apply(model.builder(cluster.isGiven())), console))
                .onProgress(progress)
                .open()) {
      Generation generation =
          llm.generate(
              sampling
                  .apply(GenerationRequest.builder())
                  .prompt(start)
                  .onPrefill(progress)
                  .build());
      stop.attach(generation);
      stream(
          generation,
          () -> {
            progress.finish();
            if (!quiet) {
              Notes.slowKernels(console, llm.kernels());
              console.print(start);
            }
          });
      GenerationResult result = generation.await();
      if (stats == StatsFormat.JSON) {
        console.noteln(Stats.json(llm, result));
      } else if (!quiet) {
        console.noteln(Stats.line(llm, result));
      }
    }
    return stop.isRequested() ? Interrupt.EXIT_CODE : 0;
  }

  /** Prints the tokens as they come; {@code atFirst} runs when the first has come. */
  private void stream(Generation generation, Runnable atFirst) {
    boolean begun = false;
    try {
      for (Token token : generation) {
        if (!begun) {
          begun = true;
          atFirst.run();
        }
        console.print(token.text());
      }
    } finally {
      if (begun && (!quiet || console.terminals().out())) {
        console.print("\n");
      }
    }
  }

  private String promptText() throws IOException {
    if (text != null && prompt != null) {
      throw new UsageException("the prompt was given twice: as --prompt and as '" + text + "'");
    }
    String given = text != null ? text : prompt;
    if (given == null) {
      throw new UsageException(
          "there is no prompt: give TEXT, --prompt TEXT, or - to read it from standard input");
    }
    return given.equals("-") ? console.readAll() : given;
  }
}

package org.e2llm.samples.logits;

import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.e2llm.E2llm;
import org.e2llm.Scorer;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.ContextOption;
import org.e2llm.samples.console.ModelOptions;
import org.e2llm.samples.console.TokenIds;
import org.e2llm.samples.console.UsageException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Prints the best scores for the token that follows. */
@Command(
    name = "logits",
    description = "Prints the logits after the last of the given tokens: id and logit, best first.",
    sortOptions = false,
    footer = {
      "",
      "The tokens are fed as they are: include BOS where the model wants it (see tokenize).",
      "Every logit is printed so that it reads back as the same float; equal ones by lowest id.",
      "",
      "Examples:",
      "  samples/run logits --tokens 1 403 407 261 378",
      "  samples/run logits --model model.gguf --top 3 --chunk 2 --tokens $(samples/run tokenize Hello)"
    })
public final class Logits implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--tokens",
      arity = "1..*",
      required = true,
      paramLabel = "ID",
      description = "Token ids, apart by spaces or commas.")
  private List<String> tokens = List.of();

  @Option(names = "--top", paramLabel = "K", description = "How many to print; default: 10.")
  private int top = 10;

  @Option(
      names = "--chunk",
      paramLabel = "N",
      description = "Feed N tokens at a time; default: as many as --batch. The result is the same.")
  private @Nullable Integer chunk;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private ContextOption context = new ContextOption();

  public Logits(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    int[] ids = TokenIds.parse(tokens);
    if (ids.length == 0) {
      throw new UsageException("--tokens needs at least one token id");
    } else if (top < 1) {
      throw new UsageException("--top " + top + " is less than 1");
    }
    try (E2llm llm = context.apply(model.builder()).open();
        Scorer scorer = llm.scorer(ids.length)) {
      if (chunk == null) {
        scorer.feed(ids);
      } else {
        scorer.feed(ids, chunk);
      }
      float[] logits = scorer.logits();
      StringBuilder lines = new StringBuilder();
      for (int id : best(logits, top)) {
        lines.append(id).append(' ').append(logits[id]).append('\n');
      }
      console.print(lines.toString());
    }
    return 0;
  }

  /**
   * The ids of the {@code count} greatest logits, best first; of equal ones the lowest id first.
   */
  static int[] best(float[] logits, int count) {
    Comparator<Integer> order =
        (a, b) -> logits[a] == logits[b] ? a - b : Float.compare(logits[b], logits[a]);
    return IntStream.range(0, logits.length)
        .boxed()
        .sorted(order)
        .limit(count)
        .mapToInt(Integer::intValue)
        .toArray();
  }
}

package org.e2llm.samples.perplexity;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.e2llm.E2llm;
import org.e2llm.Scorer;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.ModelOption;
import org.e2llm.samples.console.ModelOptions;
import org.e2llm.samples.console.Notes;
import org.e2llm.samples.console.UsageException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures how well a model predicts a text. */
@Command(
    name = "perplexity",
    description = "Measures how well a model predicts a text: lower is better.",
    sortOptions = false,
    footer = {
      "",
      "The text is tokenised once, without special tokens, and cut into windows that follow each",
      "other; BOS comes first in each, inside the window, where the model adds one. An incomplete",
      "last window is dropped. In each window every token after the first is predicted from those",
      "before it; meanNll is the mean of -ln(probability), perplexity is exp(meanNll).",
      "",
      "Examples:",
      "  samples/run perplexity --file text.txt --window 256",
      "  samples/run perplexity --model model.gguf --file text.txt --window 512 --kv-type q8_0"
    })
public final class Perplexity implements Callable<Integer> {
  private final Console console;

  @Option(
      names = {"-f", "--file"},
      required = true,
      paramLabel = "TEXT",
      description = "A UTF-8 text.")
  private Path file = Path.of("");

  @Option(
      names = "--window",
      required = true,
      paramLabel = "N",
      description = "Tokens per window, BOS included; at least 2.")
  private int window;

  @Mixin private ModelOptions model = new ModelOptions();

  public Perplexity(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (window < 2) {
      throw new UsageException("--window " + window + " is less than 2");
    }
    byte[] bytes = Files.readAllBytes(ModelOption.checked(file));
    String text = new String(bytes, StandardCharsets.UTF_8);
    try (E2llm llm = model.builder().context(window).open();
        Scorer scorer = llm.scorer(window)) {
      int[] tokens = llm.tokenizer().encode(text, false, false);
      Integer bos = llm.tokenizer().addsBos() ? llm.tokenizer().bos() : null;
      Windows windows = new Windows(tokens, window, bos);
      if (windows.count() == 0) {
        throw new UsageException(
            file + " has " + tokens.length + " tokens: too few for one window of " + window);
      }
      Notes.slowKernels(console, llm.kernels());
      Mean nll = measure(scorer, windows);
      console.println("windows " + windows.count());
      console.println("tokens " + nll.count());
      console.println("meanNll " + nll.value());
      console.println("perplexity " + Math.exp(nll.value()));
    }
    return 0;
  }

  private Mean measure(Scorer scorer, Windows windows) {
    Mean nll = new Mean();
    WindowProgress progress = new WindowProgress(console, windows.count());
    for (int i = 0; i < windows.count(); i++) {
      scorer.reset();
      for (double logProbability : scorer.logProbabilities(windows.get(i))) {
        nll.add(-logProbability);
      }
      progress.done(i + 1, nll.value());
    }
    return nll;
  }

  /** A running mean. */
  private static final class Mean {
    private double sum;
    private long count;

    void add(double value) {
      sum += value;
      count++;
    }

    double value() {
      return sum / count;
    }

    long count() {
      return count;
    }
  }
}

package org.e2llm.samples.tokenize;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.e2llm.E2llm;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.ModelOption;
import org.e2llm.samples.console.TokenIds;
import org.e2llm.samples.console.UsageException;
import org.e2llm.text.Tokenizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints the token ids of a text, or the text of token ids. */
@Command(
    name = "tokenize",
    description = "Prints the token ids of a text, or the text of token ids.",
    sortOptions = false,
    footer = {
      "",
      "BOS and EOS are added, and special tokens recognised in the text, as the model says.",
      "--decode is the way back: without BOS and EOS where encoding adds them, and without the one",
      "space that encoding puts in front. What it prints has no line end of its own.",
      "",
      "Examples:",
      "  samples/run tokenize \"Once upon a time\"",
      "  samples/run tokenize --model ggml-vocab-qwen2.gguf --no-special - < text.txt",
      "  samples/run tokenize --decode 1 403 407 261 378"
    })
public final class Tokenize implements Callable<Integer> {
  private final Console console;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "TEXT|-",
      description = "The text; - reads it from standard input, whole, as UTF-8.")
  private @Nullable String text;

  @Mixin private ModelOption model = new ModelOption();

  @Option(
      names = "--no-special",
      description =
          "Add no BOS and EOS, and take special tokens in the text for text. With --decode: leave"
              + " special tokens out.")
  private boolean noSpecial;

  @Option(
      names = "--decode",
      arity = "1..*",
      paramLabel = "ID",
      description = "Print the text of these token ids; - reads them from standard input.")
  private @Nullable List<String> decode;

  public Tokenize(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if ((text == null) == (decode == null)) {
      throw new UsageException("give either TEXT (or - for standard input) or --decode ID...");
    }
    Tokenizer tokenizer = E2llm.tokenizer(model.file());
    if (decode != null) {
      console.print(decode(tokenizer, ids(decode)));
      console.print(console.terminals().out() ? "\n" : "");
    } else if (text != null) {
      String whole = text.equals("-") ? console.readAll() : text;
      int[] ids = tokenizer.encode(whole, !noSpecial, !noSpecial);
      console.println(
          Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" ")));
    }
    return 0;
  }

  private int[] ids(List<String> words) throws IOException {
    return TokenIds.parse(words.equals(List.of("-")) ? List.of(console.readAll()) : words);
  }

  private String decode(Tokenizer tokenizer, int[] ids) {
    for (int id : ids) {
      if (id < 0 || id >= tokenizer.vocabularySize()) {
        throw new UsageException(
            "token id " + id + " is outside the vocabulary of " + tokenizer.vocabularySize());
      }
    }
    if (noSpecial) {
      return tokenizer.decode(ids, false);
    }
    int from = ids.length > 0 && tokenizer.addsBos() && ids[0] == tokenizer.bos() ? 1 : 0;
    int to = ids.length;
    if (to > from && ids[to - 1] == tokenizer.eos() && addsEos(tokenizer)) {
      to--;
    }
    return tokenizer.decode(Arrays.copyOfRange(ids, from, to), true);
  }

  private static boolean addsEos(Tokenizer tokenizer) {
    int[] nothing = tokenizer.encode("", true, false);
    return nothing.length > 0 && nothing[nothing.length - 1] == tokenizer.eos();
  }
}

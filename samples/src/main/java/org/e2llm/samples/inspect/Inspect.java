package org.e2llm.samples.inspect;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.e2llm.E2llm;
import org.e2llm.ModelInspection;
import org.e2llm.model.GgmlType;
import org.e2llm.model.KvType;
import org.e2llm.model.ModelSpec;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.ModelOption;
import org.e2llm.samples.console.Sizes;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Shows what a model file says of itself. */
@Command(
    name = "inspect",
    description =
        "Shows what a GGUF file holds and how much memory it needs. Reads the header only.",
    footer = {
      "",
      "Models that cannot be computed are shown too, with the reason.",
      "",
      "Example:",
      "  samples/run inspect model.gguf"
    })
public final class Inspect implements Callable<Integer> {
  private static final List<Integer> CONTEXTS = List.of(512, 2048, 4096, 8192, 32_768, 131_072);

  private final Console console;

  @Parameters(
      index = "0",
      paramLabel = "FILE",
      description = "A GGUF file; of a split set its first file.")
  private Path file = Path.of("");

  public Inspect(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    ModelInspection model = E2llm.inspect(ModelOption.checked(file));
    StringBuilder text = new StringBuilder();
    overview(text, model);
    tensors(text, model);
    memory(text, model);
    console.print(text.toString());
    return 0;
  }

  private void overview(StringBuilder text, ModelInspection model) {
    ModelSpec spec = model.spec();
    line(text, "file", file.toString());
    line(
        text,
        "format",
        "GGUF v" + model.ggufVersion(),
        model.files() == 1 ? "1 file" : model.files() + " files",
        Sizes.of(model.fileBytes()),
        "header " + Sizes.of(model.headerBytes()));
    line(text, "name", spec.name());
    line(text, "architecture", spec.architecture());
    line(text, "quantization", spec.quantization());
    line(text, "parameters", Sizes.grouped(spec.parameterCount()));
    line(
        text,
        "shape",
        spec.layerCount() + " layers",
        "width " + spec.embeddingLength(),
        "feed-forward " + spec.feedForwardLength());
    line(
        text,
        "attention",
        spec.headCount() + " query heads",
        spec.headCountKv() + " key/value heads",
        "key length " + spec.keyLength(),
        "value length " + spec.valueLength());
    line(text, "context", Sizes.grouped(spec.contextLength()) + " tokens");
    line(
        text,
        "tokenizer",
        model.tokenizer(),
        Sizes.grouped(spec.vocabularySize()) + " tokens",
        "end of generation " + spec.endOfGeneration());
    line(text, "chat format", model.chatTemplate());
    line(text, "computable", model.computable().isEmpty() ? "yes" : "no: " + model.computable());
  }

  private static void line(StringBuilder text, String label, String... values) {
    text.append(String.format("%-14s", label)).append(String.join(", ", values)).append('\n');
  }

  private static void tensors(StringBuilder text, ModelInspection model) {
    text.append(String.format("\n%-14s%8s%14s\n", "tensor type", "tensors", "size"));
    for (Map.Entry<GgmlType, Integer> entry : model.tensorTypes().entrySet()) {
      long bytes = model.tensorTypeBytes().getOrDefault(entry.getKey(), 0L);
      row(text, entry.getKey().name(), entry.getValue(), bytes);
    }
    int count = model.tensorTypes().values().stream().mapToInt(Integer::intValue).sum();
    row(text, "total", count, model.weightBytes());
  }

  private static void row(StringBuilder text, String label, int tensors, long bytes) {
    text.append(String.format(Locale.ROOT, "%-14s%8d%14s\n", label, tensors, Sizes.of(bytes)));
  }

  /** A table of contexts and KV types; a dash where heads do not fit the type's blocks. */
  private static void memory(StringBuilder text, ModelInspection model) {
    ModelSpec spec = model.spec();
    if (model.weightBytes() == 0) {
      text.append("\nno weights: a vocabulary only\n");
      return;
    }
    text.append("\nmemory needed (weights + KV cache of one session + working buffers)\n");
    text.append(String.format("%-14s", "context"));
    for (KvType type : KvType.values()) {
      text.append(String.format("%14s", "kv " + type.name().toLowerCase(Locale.ROOT)));
    }
    text.append('\n');
    for (int context : contexts(spec.contextLength())) {
      text.append(String.format("%-14s", Sizes.grouped(context)));
      for (KvType type : KvType.values()) {
        boolean fits = type.fits(spec.keyLength()) && type.fits(spec.valueLength());
        String need = fits ? Sizes.of(model.memoryNeeded(context, type)) : "-";
        text.append(String.format("%14s", need));
      }
      text.append('\n');
    }
  }

  /** The usual contexts below the model's own, and that. */
  static List<Integer> contexts(int modelContext) {
    IntStream usual = CONTEXTS.stream().mapToInt(Integer::intValue).filter(c -> c < modelContext);
    return Stream.concat(usual.boxed(), Stream.of(modelContext)).collect(Collectors.toList());
  }
}

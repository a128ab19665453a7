package org.e2llm.kernels.gguf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.function.Consumer;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.Progress;
import org.e2llm.model.GgmlType;

/**
 * Models of known shapes with deterministic random weights, for benchmarks: they take the time of a
 * trained model and need no download. Other engines load them too.
 */
public final class SyntheticModel {
  private static final List<Shape> SHAPES =
      List.of(
          new Shape("1.1b-llama", "llama", 22, 2048, 32, 4, 5632, 32000, 2048, 1e4f, 1e-5f),
          new Shape("0.5b-qwen2", "qwen2", 24, 896, 14, 2, 4864, 151936, 32768, 1e6f, 1e-6f));

  /** First control token of Qwen 2; tokens after the three control tokens are padding. */
  private static final int QWEN2_CONTROLS = 151643;

  private SyntheticModel() {}

  /** What the metadata says; qwen2 has QKV biases and ties its output to the embedding. */
  private record Shape(
      String name,
      String architecture,
      int layers,
      int width,
      int heads,
      int headsKv,
      int feedForward,
      int vocabulary,
      int context,
      float ropeBase,
      float epsilon) {
    boolean qwen2() {
      return architecture.equals("qwen2");
    }
  }

  /**
   * The path of the model in {@code folder}, written first where it is not there yet.
   *
   * <p>A file of this name is complete: it is written under another name, then renamed.
   *
   * @param shape {@code 1.1b-llama} or {@code 0.5b-qwen2}
   * @param type {@code Q4_0}, {@code Q8_0}, {@code F16} or {@code Q4_K_M}
   * @param progress told bytes written of bytes in all, on this thread
   * @throws InvalidRequestException for other shapes and types
   * @throws E2llmException where the file cannot be written
   */
  public static Path writeIfAbsent(
      Path folder, String shape, String type, Consumer<Progress> progress) {
    Shape found = shape(shape);
    TensorMix mix = TensorMix.of(type);
    Path file = folder.resolve("synthetic-" + found.name() + "-" + mix.name() + ".gguf");
    if (Files.exists(file)) {
      return file;
    }
    try {
      Files.createDirectories(folder);
      Path partial = folder.resolve(file.getFileName() + "." + UUID.randomUUID() + ".partial");
      try {
        new Builder(found, mix, progress).writer().write(partial);
        Files.move(
            partial, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(partial);
      }
      return file;
    } catch (IOException e) {
      throw new E2llmException("cannot write " + file + ": " + e, e);
    }
  }

  /** The shapes that exist. */
  public static List<String> shapes() {
    List<String> names = new ArrayList<>();
    for (Shape shape : SHAPES) {
      names.add(shape.name());
    }
    return names;
  }

  private static Shape shape(String name) {
    for (Shape shape : SHAPES) {
      if (shape.name().equals(name.toLowerCase(Locale.ROOT))) {
        return shape;
      }
    }
    throw new InvalidRequestException("no synthetic shape " + name + "; there are " + shapes());
  }

  /** Lists the key-values and tensors of one model. */
  private static final class Builder {
    private final GgufWriter writer = new GgufWriter();
    private final Shape shape;
    private final TensorMix mix;
    private final Consumer<Progress> progress;
    private long totalBytes;
    private long doneBytes;

    Builder(Shape shape, TensorMix mix, Consumer<Progress> progress) {
      this.shape = shape;
      this.mix = mix;
      this.progress = progress;
    }

    GgufWriter writer() {
      putMetadata();
      long headWidth = shape.width() / shape.heads();
      long kvWidth = headWidth * shape.headsKv();
      // A small embedding next to layers of ordinary size: what was last read does not decide alone
      // what comes next, although qwen2 uses the embedding as its output too.
      matrix("token_embd.weight", shape.width(), shape.vocabulary(), 0.02f);
      for (int layer = 0; layer < shape.layers(); layer++) {
        String prefix = "blk." + layer + ".";
        vector(prefix + "attn_norm.weight", shape.width(), 1);
        matrix(prefix + "attn_q.weight", shape.width(), shape.width());
        matrix(prefix + "attn_k.weight", shape.width(), kvWidth);
        matrix(prefix + "attn_v.weight", shape.width(), kvWidth);
        if (shape.qwen2()) {
          vector(prefix + "attn_q.bias", shape.width(), 0);
          vector(prefix + "attn_k.bias", kvWidth, 0);
          vector(prefix + "attn_v.bias", kvWidth, 0);
        }
        matrix(prefix + "attn_output.weight", shape.width(), shape.width());
        vector(prefix + "ffn_norm.weight", shape.width(), 1);
        matrix(prefix + "ffn_gate.weight", shape.width(), shape.feedForward());
        matrix(prefix + "ffn_up.weight", shape.width(), shape.feedForward());
        matrix(prefix + "ffn_down.weight", shape.feedForward(), shape.width());
      }
      vector("output_norm.weight", shape.width(), 1);
      if (!shape.qwen2()) {
        matrix("output.weight", shape.width(), shape.vocabulary());
      }
      return writer;
    }

    private void putMetadata() {
      String prefix = shape.architecture() + ".";
      writer
          .put("general.architecture", shape.architecture())
          .put("general.name", "synthetic " + shape.name())
          .put("general.description", "Random weights, for benchmarks only")
          .put("general.file_type", mix.fileType())
          .put("general.quantization_version", 2)
          .put(prefix + "context_length", shape.context())
          .put(prefix + "embedding_length", shape.width())
          .put(prefix + "block_count", shape.layers())
          .put(prefix + "feed_forward_length", shape.feedForward())
          .put(prefix + "attention.head_count", shape.heads())
          .put(prefix + "attention.head_count_kv", shape.headsKv())
          .put(prefix + "attention.layer_norm_rms_epsilon", shape.epsilon())
          .put(prefix + "rope.dimension_count", shape.width() / shape.heads())
          .put(prefix + "rope.freq_base", shape.ropeBase())
          .put(prefix + "vocab_size", shape.vocabulary());
      if (shape.qwen2()) {
        SyntheticVocabulary.putByteLevelBpe(writer, shape.vocabulary(), QWEN2_CONTROLS);
      } else {
        SyntheticVocabulary.putSentencePiece(writer, shape.vocabulary());
      }
    }

    /** Rows of unit gain: inputs of variance 1 give outputs of variance 1. */
    private void matrix(String name, long columns, long rows) {
      matrix(name, columns, rows, (float) (1 / Math.sqrt(columns)));
    }

    private void matrix(String name, long columns, long rows, float deviation) {
      GgmlType type = mix.typeOf(name, columns, shape.layers(), shape.qwen2());
      add(name, type, new long[] {columns, rows}, 0, deviation);
    }

    private void vector(String name, long size, float mean) {
      add(name, GgmlType.F32, new long[] {size}, mean, 0.1f);
    }

    private void add(String name, GgmlType type, long[] dimensions, float mean, float deviation) {
      long elements = dimensions[0] * (dimensions.length > 1 ? dimensions[1] : 1);
      long bytes = type.bytes(elements);
      totalBytes += bytes;
      TensorData weights =
          new RandomWeights(type, elements, mean, deviation, 0x9e3779b97f4a7c15L ^ name.hashCode());
      writer.tensor(
          name,
          type,
          dimensions,
          out -> {
            weights.write(out);
            doneBytes += bytes;
            progress.accept(new Progress(Progress.Phase.LOAD, doneBytes, totalBytes));
          });
    }
  }
}

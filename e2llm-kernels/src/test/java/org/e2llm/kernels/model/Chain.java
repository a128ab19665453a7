package org.e2llm.kernels.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSource;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Batch.Logits;
import org.e2llm.pipeline.Batch.Slice;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.pipeline.StageSession;

/** A model cut into stages, driven from a test. Epochs are 0. */
final class Chain implements AutoCloseable {
  private final GgufFile file;
  private final Compute compute;
  private final int context;
  final Model model;
  final List<LocalStage> stages = new ArrayList<>();

  /**
   * @param cuts the layers where a new stage begins, ascending; none for one stage
   */
  Chain(Path path, Kernels kernels, int threads, int context, KvType kvType, int... cuts) {
    file = GgufFile.open(ModelSource.of(path));
    model = Model.of(file, context);
    this.context = context;
    compute = new Compute(kernels, threads);
    int from = 0;
    for (int i = 0; i <= cuts.length; i++) {
      int to = i < cuts.length ? cuts[i] : model.config().layerCount();
      stages.add(model.stage(LayerRange.of(from, to), compute, kvType, 512));
      from = to;
    }
  }

  int layerCount() {
    return model.config().layerCount();
  }

  int vocabulary() {
    return model.config().vocabularySize();
  }

  Session open(long id) {
    return new Session(id);
  }

  /** Takes a batch through all stages. */
  StageOutput forward(List<Slice> slices, int[] tokens) {
    Batch batch = Batch.ofTokens(slices, tokens);
    StageOutput output = null;
    for (LocalStage stage : stages) {
      output = forward(stage, batch);
      if (!stage.isLast()) {
        batch = Batch.ofHidden(slices, output.data(), output.width());
      }
    }
    return output;
  }

  static StageOutput forward(LocalStage stage, Batch batch) {
    try {
      return stage.forward(batch).toCompletableFuture().join();
    } catch (CompletionException e) {
      throw (RuntimeException) e.getCause();
    }
  }

  @Override
  public void close() {
    stages.forEach(LocalStage::close);
    compute.close();
    file.close();
  }

  /** The index of the largest of {@code width} logits in row {@code row}; ties to the lowest. */
  static int argmax(StageOutput output, int row) {
    int best = 0;
    for (int i = 1; i < output.width(); i++) {
      if (output.data()[row * output.width() + i] > output.data()[row * output.width() + best]) {
        best = i;
      }
    }
    return best;
  }

  /** One sequence on all stages. */
  final class Session implements AutoCloseable {
    final long id;
    final List<StageSession> parts = new ArrayList<>();

    private Session(long id) {
      this.id = id;
      for (LocalStage stage : stages) {
        parts.add(stage.open(id, 0, context));
      }
    }

    int length() {
      return parts.get(0).length();
    }

    /** Feeds tokens in chunks; gives the logits of the last one. */
    StageOutput feed(int[] tokens, int chunk) {
      StageOutput output = null;
      for (int i = 0; i < tokens.length; i += chunk) {
        int n = Math.min(chunk, tokens.length - i);
        Logits logits = i + n == tokens.length ? Logits.LAST : Logits.NONE;
        Slice slice = new Slice(id, 0, length(), n, logits);
        output = forward(List.of(slice), Arrays.copyOfRange(tokens, i, i + n));
      }
      return output;
    }

    /** Feeds tokens in chunks; gives the bits of all logits of all of them. */
    float[] logitsOf(int[] tokens, int chunk) {
      float[] all = new float[tokens.length * vocabulary()];
      for (int i = 0; i < tokens.length; i += chunk) {
        int n = Math.min(chunk, tokens.length - i);
        Slice slice = new Slice(id, 0, length(), n, Logits.ALL);
        StageOutput output = forward(List.of(slice), Arrays.copyOfRange(tokens, i, i + n));
        System.arraycopy(output.data(), 0, all, i * vocabulary(), n * vocabulary());
      }
      return all;
    }

    @Override
    public void close() {
      parts.forEach(StageSession::close);
    }
  }
}

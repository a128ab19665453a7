package org.e2llm.samples.console;

import java.nio.file.Path;
import org.e2llm.E2llm;
import org.e2llm.model.KvType;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that choose a model and how it is opened. */
public final class ModelOptions {
  @Mixin private ModelOption model = new ModelOption();

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that compute; default: as many as physical cores.")
  private int threads;

  @Option(
      names = "--kv-type",
      paramLabel = "TYPE",
      description = "Type of the KV cache: f32, f16 or q8_0; default: the cluster's, or f16.")
  private @Nullable KvType kvType;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Most tokens of one forward pass; default: the cluster's, or 512.")
  private @Nullable Integer batch;

  /** Whether a model was named. */
  public boolean isGiven() {
    return model.isGiven();
  }

  /** The model's file, which exists and can be read. */
  public Path file() {
    return model.file();
  }

  /** How to open {@link #file()} with these options. */
  public E2llm.Builder builder() {
    return builder(file());
  }

  /** How to open another file with these options. */
  public E2llm.Builder builder(Path model) {
    return withoutFile().model(model);
  }

  /**
   * How to open {@link #file()} where one was named or {@code cluster} is false, and otherwise the
   * model that the cluster has.
   */
  public E2llm.Builder builder(boolean cluster) {
    return cluster && !isGiven() ? withoutFile() : builder();
  }

  private E2llm.Builder withoutFile() {
    E2llm.Builder builder = E2llm.builder().threads(threads);
    if (kvType != null) {
      builder.kvType(kvType);
    }
    return batch == null ? builder : builder.batch(batch);
  }
}

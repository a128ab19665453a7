package org.e2llm;

import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;
import org.e2llm.model.KvType;
import org.e2llm.model.ModelSource;
import org.e2llm.model.ModelSpec;
import org.e2llm.text.ChatTemplate;
import org.e2llm.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** An open model. */
public final class E2llm implements AutoCloseable {
  private E2llm() {}

  public static Builder builder() {
    return new Builder();
  }

  public static ModelInspection inspect(Path file) {
    throw new UnsupportedOperationException();
  }

  public static ModelInspection inspect(FileChannel channel, long offset, long length) {
    throw new UnsupportedOperationException();
  }

  public static Tokenizer tokenizer(Path file) {
    throw new UnsupportedOperationException();
  }

  public Generation generate(GenerationRequest request) {
    throw new UnsupportedOperationException();
  }

  public Conversation conversation() {
    throw new UnsupportedOperationException();
  }

  public Conversation conversation(String system) {
    throw new UnsupportedOperationException();
  }

  public Scorer scorer() {
    throw new UnsupportedOperationException();
  }

  public Scorer scorer(int capacity) {
    throw new UnsupportedOperationException();
  }

  public Tokenizer tokenizer() {
    throw new UnsupportedOperationException();
  }

  public ChatTemplate chatTemplate() {
    throw new UnsupportedOperationException();
  }

  public ModelSpec modelSpec() {
    throw new UnsupportedOperationException();
  }

  public KernelInfo kernels() {
    throw new UnsupportedOperationException();
  }

  public int contextLength() {
    throw new UnsupportedOperationException();
  }

  public KvType kvType() {
    throw new UnsupportedOperationException();
  }

  public Duration loadTime() {
    throw new UnsupportedOperationException();
  }

  public ServingStats stats() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}

  /** How to open a model. */
  public static final class Builder {
    private @Nullable ModelSource source;
    private int threads;
    private int context;
    private KvType kvType = KvType.F16;
    private long kvMemory;
    private int batchRows = 512;
    private int queueLimit = 1024;
    private Consumer<Progress> onProgress = progress -> {};

    private Builder() {}

    public Builder model(Path file) {
      source = ModelSource.of(file);
      return this;
    }

    public Builder model(FileChannel channel, long offset, long length) {
      source = ModelSource.of(channel, offset, length);
      return this;
    }

    public Builder threads(int count) {
      threads = count;
      return this;
    }

    public Builder context(int tokens) {
      context = tokens;
      return this;
    }

    public Builder kvType(KvType type) {
      kvType = type;
      return this;
    }

    public Builder kvMemory(long bytes) {
      kvMemory = bytes;
      return this;
    }

    public Builder batch(int rows) {
      batchRows = rows;
      return this;
    }

    public Builder queueLimit(int requests) {
      queueLimit = requests;
      return this;
    }

    public Builder onProgress(Consumer<Progress> listener) {
      onProgress = listener;
      return this;
    }

    public E2llm open() {
      throw new UnsupportedOperationException();
    }
  }
}

package org.e2llm.pipeline;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.e2llm.model.LayerRange;
import org.jspecify.annotations.Nullable;

/** A replica whose last stage gives its logits to this device, where they are sampled. */
public final class LocalReplica implements Replica {
  private final Stage stage;
  private final int vocabularySize;
  private final SamplingTail tail;
  private final Map<Long, Session> sessions = new HashMap<>();

  /**
   * Takes the stage over.
   *
   * @param stage the whole model, most often a {@link StageChain}
   */
  public LocalReplica(Stage stage, int vocabularySize) {
    this(stage, vocabularySize, (caller, position, token) -> {});
  }

  /** As above; what is sampled for callers goes to {@code sink} too. */
  public LocalReplica(Stage stage, int vocabularySize, TokenSink sink) {
    if (!stage.isFirst() || !stage.isLast()) {
      throw new IllegalArgumentException("layers " + stage.layers() + " are not a whole model");
    }
    this.stage = stage;
    this.vocabularySize = vocabularySize;
    this.tail = new SamplingTail(vocabularySize, sink);
  }

  @Override
  public int maxRows() {
    return stage.maxRows();
  }

  @Override
  public int vocabularySize() {
    return vocabularySize;
  }

  @Override
  public ReplicaSession open(long session, int epoch, int capacity) {
    Session opened = new Session(stage.open(session, epoch, capacity));
    sessions.put(session, opened);
    return opened;
  }

  @Override
  public CompletionStage<List<SliceOutput>> step(Batch batch) {
    CompletionStage<StageOutput> output;
    try {
      output = stage.forward(batch);
    } catch (RuntimeException | Error e) {
      return CompletableFuture.failedFuture(e);
    }
    return output.thenApply(logits -> tail.sample(batch.slices(), logits));
  }

  @Override
  public void close() {
    List.copyOf(sessions.values()).forEach(Session::close);
    stage.close();
  }

  /** The stage's session. */
  private final class Session implements ReplicaSession {
    private final StageSession kv;

    Session(StageSession kv) {
      this.kv = kv;
    }

    @Override
    public void begin(int[] tokens, SamplingSpec sampling, @Nullable Caller caller) {
      if (tokens.length <= kv.length()) {
        throw new IllegalArgumentException(
            tokens.length + " tokens leave nothing to feed after " + kv.length());
      }
      tail.begin(kv.id(), tokens, sampling, caller);
    }

    @Override
    public long id() {
      return kv.id();
    }

    @Override
    public int epoch() {
      return kv.epoch();
    }

    @Override
    public int length() {
      return kv.length();
    }

    @Override
    public void truncate(int length) {
      kv.truncate(length);
    }

    @Override
    public long allocatedBytes() {
      return kv.allocatedBytes();
    }

    @Override
    public KvBlock exportKv(LayerRange layers, int from, int to) {
      return kv.exportKv(layers, from, to);
    }

    @Override
    public void importKv(KvBlock block) {
      kv.importKv(block);
    }

    @Override
    public void close() {
      sessions.remove(kv.id(), this);
      tail.end(kv.id());
      kv.close();
    }
  }
}

package org.e2llm.pipeline;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.e2llm.E2llmException;
import org.e2llm.model.LayerRange;
import org.e2llm.text.Sampled;
import org.e2llm.text.Sampler;
import org.e2llm.text.TokenList;
import org.jspecify.annotations.Nullable;

/** A replica whose last stage gives its logits to this device, where they are sampled. */
public final class LocalReplica implements Replica {
  private final Stage stage;
  private final int vocabularySize;
  private final Sampler sampler;
  private final Map<Long, Session> sessions = new HashMap<>();

  /**
   * Takes the stage over.
   *
   * @param stage the whole model, most often a {@link StageChain}
   */
  public LocalReplica(Stage stage, int vocabularySize) {
    if (!stage.isFirst() || !stage.isLast()) {
      throw new IllegalArgumentException("layers " + stage.layers() + " are not a whole model");
    }
    this.stage = stage;
    this.vocabularySize = vocabularySize;
    this.sampler = new Sampler(vocabularySize);
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
    return output.thenApply(logits -> sample(batch, logits));
  }

  private List<SliceOutput> sample(Batch batch, StageOutput output) {
    if (output.rows() != batch.logitRows()
        || output.width() != vocabularySize
        || output.data().length < (long) output.rows() * output.width()) {
      throw new E2llmException(
          "the last stage gave "
              + output.rows()
              + " rows of "
              + output.width()
              + " logits for "
              + batch.logitRows()
              + " rows of "
              + vocabularySize);
    }
    List<SliceOutput> outputs = new ArrayList<>(batch.slices().size());
    int row = 0;
    for (Batch.Slice slice : batch.slices()) {
      int rows = slice.logitRows();
      outputs.add(sample(slice, output.data(), row * vocabularySize, rows));
      row += rows;
    }
    return outputs;
  }

  private SliceOutput sample(Batch.Slice slice, float[] data, int offset, int rows) {
    Session session = sessions.get(slice.session());
    if (rows == 0 || session == null) {
      return new SliceOutput(slice, null, null, null);
    }
    SamplingSpec sampling = session.sampling;
    if (sampling == null) {
      return new SliceOutput(
          slice, null, new SliceOutput.Logits(data, offset, rows, vocabularySize), null);
    }
    try {
      if (slice.start() + slice.length() != session.tokens.size()) {
        throw new E2llmException(
            "slice ends at position "
                + (slice.start() + slice.length())
                + ", the known tokens at "
                + session.tokens.size());
      }
      int last = offset + (rows - 1) * vocabularySize;
      Sampled token =
          sampler.sample(sampling.params(), sampling.processor(), session.tokens, data, last);
      session.tokens.add(token.token());
      return new SliceOutput(slice, token, null, null);
    } catch (E2llmException e) {
      return new SliceOutput(slice, null, null, e);
    }
  }

  @Override
  public void close() {
    List.copyOf(sessions.values()).forEach(Session::close);
    stage.close();
  }

  /** The stage's session, and the log of tokens that penalties and positions follow from. */
  private final class Session implements ReplicaSession {
    private final StageSession kv;
    private TokenList tokens = new TokenList();
    private @Nullable SamplingSpec sampling;

    Session(StageSession kv) {
      this.kv = kv;
    }

    @Override
    public void begin(int[] prompt, SamplingSpec spec) {
      if (prompt.length <= kv.length()) {
        throw new IllegalArgumentException(
            prompt.length + " tokens leave nothing to feed after " + kv.length());
      }
      tokens = new TokenList(prompt);
      sampling = spec;
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
      kv.close();
    }
  }
}

package org.e2llm.kernels.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.e2llm.CapacityException;
import org.e2llm.ClosedException;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.StaleEpochException;
import org.e2llm.kernels.gguf.WeightSlice;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Stage;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.pipeline.StageSession;
import org.jspecify.annotations.Nullable;

/**
 * A stage on this device: embedding or hidden states in, its layers, hidden states or logits out.
 *
 * <p>A refused batch changes nothing; neither does one that ends in non-finite logits, so the
 * caller may repeat it without the session that the error names. One thread drives a stage; {@link
 * #close} may come from another, makes a running batch stop at the next layer, and waits for it.
 */
public final class LocalStage implements Stage {
  private final ModelConfig config;
  private final LayerRange range;
  private final WeightSlice slice;
  private final Compute compute;
  private final KvType kvType;
  private final int maxRows;
  private final int contextLength;

  private final RunState state;
  private final Embedding embedding;
  private final List<DecoderLayer> layers = new ArrayList<>();
  private final @Nullable OutputHead head;
  private final Map<Long, LocalSession> sessions = new HashMap<>();
  private final List<LocalSession> members = new ArrayList<>();
  private long batches;
  private volatile boolean closed;

  /**
   * @param range layers, at least one
   * @param slice what {@link Model#map} gave for the range; closed with the stage
   * @param contextLength most positions of a session
   * @param maxRows most rows of a batch
   */
  LocalStage(
      ModelConfig config,
      LayerRange range,
      WeightSlice slice,
      Compute compute,
      KvType kvType,
      int contextLength,
      int maxRows) {
    this.config = config;
    this.range = range;
    this.slice = slice;
    this.compute = compute;
    this.kvType = kvType;
    this.contextLength = contextLength;
    this.maxRows = maxRows;
    StageWeights weights = StageWeights.of(slice, config, range);
    state = new RunState(config);
    embedding = new Embedding(config, weights, state, compute);
    AttentionWorkspace workspace = new AttentionWorkspace(config.heads(), compute.workers());
    for (int i = 0; i < range.size(); i++) {
      LayerWeights layer = weights.layers().get(i);
      layers.add(new DecoderLayer(config, range.from() + i, layer, state, compute, workspace));
    }
    float[] norm = weights.outputNorm();
    Projection output = weights.output();
    head =
        norm == null || output == null
            ? null
            : new OutputHead(config, norm, output, state, compute);
  }

  @Override
  public LayerRange layers() {
    return range;
  }

  @Override
  public boolean isFirst() {
    return range.from() == 0;
  }

  @Override
  public boolean isLast() {
    return head != null;
  }

  @Override
  public int maxRows() {
    return maxRows;
  }

  /**
   * {@inheritDoc}
   *
   * @throws CapacityException for a capacity over the context length
   */
  @Override
  public synchronized StageSession open(long session, int epoch, int capacity) {
    checkOpen();
    if (sessions.containsKey(session)) {
      throw new InvalidRequestException("session " + session + " is already open");
    }
    if (capacity < 1) {
      throw new InvalidRequestException(
          "session " + session + " of capacity " + capacity + ", at least 1 is needed");
    }
    if (capacity > contextLength) {
      throw new CapacityException(
          "session "
              + session
              + " of capacity "
              + capacity
              + ", the context length is "
              + contextLength);
    }
    KvCache cache = new KvCache(kvType, range, config.heads(), compute.kernels());
    LocalSession opened = new LocalSession(this, session, epoch, capacity, cache);
    sessions.put(session, opened);
    return opened;
  }

  @Override
  public synchronized CompletionStage<StageOutput> forward(Batch batch) {
    try {
      synchronized (compute) { // scratch memory is shared by all stages of an engine
        return CompletableFuture.completedFuture(compute(batch));
      }
    } catch (E2llmException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private StageOutput compute(Batch batch) {
    checkOpen();
    try {
      batches++;
      checkContent(batch);
      for (Batch.Slice part : batch.slices()) {
        members.add(member(part));
      }
      for (int i = 0; i < members.size(); i++) {
        Batch.Slice part = batch.slices().get(i);
        members.get(i).cache().reserve(part.start() + part.length());
      }
      state.begin(batch, members);
      computeLayers(batch);
      StageOutput output = output(batch);
      for (int i = 0; i < members.size(); i++) {
        Batch.Slice part = batch.slices().get(i);
        members.get(i).advance(part.start() + part.length(), part.epoch());
      }
      return output;
    } finally {
      state.end();
      members.clear();
    }
  }

  private void computeLayers(Batch batch) {
    embedding.forward(batch);
    for (DecoderLayer layer : layers) {
      checkOpen();
      layer.forward();
    }
  }

  private StageOutput output(Batch batch) {
    OutputHead last = head;
    if (last == null) {
      return new StageOutput(state.hidden, batch.rows(), config.embeddingLength());
    }
    last.forward(batch);
    return new StageOutput(state.logits, batch.logitRows(), config.vocabularySize());
  }

  /** What is in the rows, before any session is looked at. */
  private void checkContent(Batch batch) {
    if (batch.rows() > maxRows) {
      throw new InvalidRequestException(
          "batch of " + batch.rows() + " rows, the limit is " + maxRows);
    }
    int[] tokens = batch.tokens();
    if (isFirst() != (tokens != null)) {
      throw new InvalidRequestException(
          "stage " + range + " takes " + (isFirst() ? "token ids" : "hidden states"));
    }
    if (tokens == null) {
      if (batch.width() != config.embeddingLength()) {
        throw new InvalidRequestException(
            "hidden states of width " + batch.width() + ", expected " + config.embeddingLength());
      }
    } else {
      for (int row = 0; row < batch.rows(); row++) {
        if (tokens[row] < 0 || tokens[row] >= config.vocabularySize()) {
          throw new InvalidRequestException(
              "token id "
                  + tokens[row]
                  + " at row "
                  + row
                  + ", the vocabulary has "
                  + config.vocabularySize());
        }
      }
    }
    if ((long) batch.logitRows() * config.vocabularySize() > Integer.MAX_VALUE - 8) {
      throw new InvalidRequestException(
          batch.logitRows()
              + " rows of "
              + config.vocabularySize()
              + " logits are more than one array holds; ask for fewer at once");
    }
  }

  private LocalSession member(Batch.Slice part) {
    LocalSession session = sessions.get(part.session());
    if (session == null) {
      throw new InvalidRequestException("session " + part.session() + " is not open on this stage");
    }
    if (part.epoch() < session.epoch()) {
      throw new StaleEpochException(
          "session "
              + part.session()
              + " is at epoch "
              + session.epoch()
              + ", the batch is of "
              + part.epoch());
    }
    if (!session.joins(batches)) {
      throw new InvalidRequestException("session " + part.session() + " is twice in one batch");
    }
    if (!session.cache().isEven()) {
      throw new InvalidRequestException(
          "session " + part.session() + " has layers whose KV import is not complete");
    }
    if (part.start() != session.cache().length()) {
      throw new InvalidRequestException(
          "session "
              + part.session()
              + " holds "
              + session.cache().length()
              + " positions, the slice starts at "
              + part.start());
    }
    if (part.length() > session.capacity() - part.start()) {
      throw new InvalidRequestException(
          "session "
              + part.session()
              + " needs "
              + ((long) part.start() + part.length())
              + " positions, its capacity is "
              + session.capacity());
    }
    return session;
  }

  synchronized void forget(long session) {
    sessions.remove(session);
  }

  private void checkOpen() {
    if (closed) {
      throw new ClosedException("stage " + range + " is closed");
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    synchronized (this) {
      for (LocalSession session : new ArrayList<>(sessions.values())) {
        session.close();
      }
      slice.close();
    }
  }
}

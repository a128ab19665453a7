package org.e2llm.pipeline;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.e2llm.model.LayerRange;

/**
 * Neighbouring stages as one: a batch goes through them in order.
 *
 * <p>If a stage fails, those before it have taken the batch and those after it have not: the
 * sessions of the batch cannot go on.
 */
public final class StageChain implements Stage {
  private final List<Stage> stages;
  private final Map<Long, ChainSession> sessions = new HashMap<>();

  /**
   * Takes the stages over.
   *
   * @param stages at least one, each beginning at the layer where the one before it ends
   */
  public StageChain(List<Stage> stages) {
    if (stages.isEmpty()) {
      throw new IllegalArgumentException("a chain needs a stage");
    }
    for (int i = 1; i < stages.size(); i++) {
      LayerRange before = stages.get(i - 1).layers();
      LayerRange layers = stages.get(i).layers();
      if (layers.from() != before.to()) {
        throw new IllegalArgumentException("stage " + layers + " does not go on after " + before);
      }
    }
    this.stages = List.copyOf(stages);
  }

  @Override
  public LayerRange layers() {
    return LayerRange.of(
        stages.get(0).layers().from(), stages.get(stages.size() - 1).layers().to());
  }

  @Override
  public boolean isFirst() {
    return stages.get(0).isFirst();
  }

  @Override
  public boolean isLast() {
    return stages.get(stages.size() - 1).isLast();
  }

  @Override
  public int maxRows() {
    int rows = Integer.MAX_VALUE;
    for (Stage stage : stages) {
      rows = Math.min(rows, stage.maxRows());
    }
    return rows;
  }

  @Override
  public StageSession open(long session, int epoch, int capacity) {
    List<StageSession> parts = new ArrayList<>();
    try {
      for (Stage stage : stages) {
        parts.add(stage.open(session, epoch, capacity));
      }
    } catch (RuntimeException | Error e) {
      parts.forEach(StageSession::close);
      throw e;
    }
    ChainSession chained = new ChainSession(stages, parts, () -> sessions.remove(session));
    sessions.put(session, chained);
    return chained;
  }

  @Override
  public CompletionStage<StageOutput> forward(Batch batch) {
    CompletionStage<StageOutput> output;
    try {
      output = stages.get(0).forward(batch);
    } catch (RuntimeException | Error e) {
      return CompletableFuture.failedFuture(e);
    }
    for (Stage stage : stages.subList(1, stages.size())) {
      output =
          output.thenCompose(
              hidden ->
                  stage.forward(Batch.ofHidden(batch.slices(), hidden.data(), hidden.width())));
    }
    return output;
  }

  @Override
  public void close() {
    List.copyOf(sessions.values()).forEach(ChainSession::close);
    stages.forEach(Stage::close);
  }
}

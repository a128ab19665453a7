package org.e2llm.transport;

import java.util.concurrent.CompletionStage;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Stage;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.pipeline.StageSession;

/**
 * Counts what stages of one layer range compute: stages of older rings and of the one in use add to
 * the same numbers. Only steps that take one token of each session count as decode steps.
 */
final class StageMeter {
  /**
   * Totals since the start.
   *
   * @param rows tokens that went through
   * @param decodeSteps steps of one token per session
   * @param decodeRows sessions in them, summed
   * @param decodeCached tokens that those had in the KV cache, summed
   * @param decodeNanos that they took, summed
   */
  record Totals(long rows, long decodeSteps, long decodeRows, long decodeCached, long decodeNanos) {
    Totals minus(Totals before) {
      return new Totals(
          rows - before.rows,
          decodeSteps - before.decodeSteps,
          decodeRows - before.decodeRows,
          decodeCached - before.decodeCached,
          decodeNanos - before.decodeNanos);
    }
  }

  private final LayerRange layers;
  private long rows;
  private long decodeSteps;
  private long decodeRows;
  private long decodeCached;
  private long decodeNanos;

  StageMeter(LayerRange layers) {
    this.layers = layers;
  }

  LayerRange layers() {
    return layers;
  }

  synchronized Totals totals() {
    return new Totals(rows, decodeSteps, decodeRows, decodeCached, decodeNanos);
  }

  /**
   * A step is done.
   *
   * @param newRows tokens that went through
   * @param decodes whether it took one token of each session
   * @param cached tokens that the sessions had in the KV cache together
   */
  synchronized void count(int newRows, boolean decodes, long cached, long nanos) {
    rows += newRows;
    if (decodes) {
      decodeSteps++;
      decodeRows += newRows;
      decodeCached += cached;
      decodeNanos += nanos;
    }
  }

  private void count(Batch batch, long nanos) {
    long cached = 0;
    for (int i = 0; i < batch.slices().size(); i++) {
      Batch.Slice slice = batch.slices().get(i);
      cached += slice.start() + 1;
    }
    count(batch.rows(), batch.decodes(), cached, nanos);
  }

  /** The same stage, counted. */
  Stage counting(Stage stage) {
    return new Counted(stage);
  }

  private final class Counted implements Stage {
    private final Stage stage;

    Counted(Stage stage) {
      this.stage = stage;
    }

    @Override
    public LayerRange layers() {
      return stage.layers();
    }

    @Override
    public boolean isFirst() {
      return stage.isFirst();
    }

    @Override
    public boolean isLast() {
      return stage.isLast();
    }

    @Override
    public int maxRows() {
      return stage.maxRows();
    }

    @Override
    public StageSession open(long session, int epoch, int capacity) {
      return stage.open(session, epoch, capacity);
    }

    /** A stage of this device computes before it returns. */
    @Override
    public CompletionStage<StageOutput> forward(Batch batch) {
      long start = System.nanoTime();
      CompletionStage<StageOutput> output = stage.forward(batch);
      count(batch, System.nanoTime() - start);
      return output;
    }

    @Override
    public void close() {
      stage.close();
    }
  }
}

package org.e2llm.transport;

import java.util.concurrent.CompletionStage;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Stage;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.pipeline.StageSession;
import org.e2llm.plan.StepWork;

/**
 * Counts what stages of one layer range compute: stages of older rings and of the one in use add to
 * the same numbers. Two kinds of steps tell how fast the device is: those that take one token of
 * each session, and those with so many tokens of prompts that these take most of the time.
 */
final class StageMeter {
  /** Prompt tokens from which on a step is one of prompts. */
  private static final int MANY = 64;

  /**
   * Steps of one kind, summed.
   *
   * @param promptPositions that all prompt tokens attend to
   */
  record Steps(
      long count,
      long promptTokens,
      double promptPositions,
      long decodeRows,
      long cachedTokens,
      long logitRows,
      long nanos) {
    static final Steps NONE = new Steps(0, 0, 0, 0, 0, 0, 0);

    private Steps plus(Steps other, int sign) {
      return new Steps(
          count + sign * other.count,
          promptTokens + sign * other.promptTokens,
          promptPositions + sign * other.promptPositions,
          decodeRows + sign * other.decodeRows,
          cachedTokens + sign * other.cachedTokens,
          logitRows + sign * other.logitRows,
          nanos + sign * other.nanos);
    }

    /** Of a mean one; at least one was counted. */
    double seconds() {
      return nanos / 1e9 / count;
    }

    /** What was in a mean one; at least one was counted. */
    StepWork work() {
      return new StepWork(
          (int) mean(promptTokens),
          promptTokens == 0 ? 0 : promptPositions / promptTokens,
          (int) mean(decodeRows),
          cachedTokens / count,
          (int) mean(logitRows));
    }

    private long mean(long sum) {
      return sum == 0 ? 0 : Math.max(1, Math.round((double) sum / count));
    }
  }

  /**
   * Totals since the start.
   *
   * @param rows tokens that went through, in steps of all kinds
   * @param decodes steps of one token per session
   * @param prompts steps with many tokens of prompts
   */
  record Totals(long rows, Steps decodes, Steps prompts) {
    static final Totals NOTHING = new Totals(0, Steps.NONE, Steps.NONE);

    Totals minus(Totals before) {
      return new Totals(
          rows - before.rows, decodes.plus(before.decodes, -1), prompts.plus(before.prompts, -1));
    }
  }

  private final LayerRange layers;
  private Totals totals = Totals.NOTHING;

  StageMeter(LayerRange layers) {
    this.layers = layers;
  }

  LayerRange layers() {
    return layers;
  }

  synchronized Totals totals() {
    return totals;
  }

  /** A step is done. */
  void count(Batch batch, long nanos) {
    Steps step = step(batch, nanos);
    boolean prompts = step.promptTokens >= MANY;
    synchronized (this) {
      totals =
          new Totals(
              totals.rows + batch.rows(),
              batch.decodes() ? totals.decodes.plus(step, 1) : totals.decodes,
              prompts ? totals.prompts.plus(step, 1) : totals.prompts);
    }
  }

  private static Steps step(Batch batch, long nanos) {
    long tokens = 0;
    double positions = 0;
    long decodeRows = 0;
    long cached = 0;
    long logitRows = 0;
    for (int i = 0; i < batch.slices().size(); i++) {
      Batch.Slice slice = batch.slices().get(i);
      logitRows += slice.logitRows();
      if (slice.length() > 1) {
        tokens += slice.length();
        positions += slice.length() * (slice.start() + (slice.length() + 1) / 2.0);
      } else {
        decodeRows++;
        cached += slice.start() + 1;
      }
    }
    return new Steps(1, tokens, positions, decodeRows, cached, logitRows, nanos);
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

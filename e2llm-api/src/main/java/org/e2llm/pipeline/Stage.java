package org.e2llm.pipeline;

import java.util.concurrent.CompletionStage;
import org.e2llm.model.LayerRange;

/**
 * One contiguous layer range held by one device: the seam between who schedules and who computes.
 *
 * <p>Layers are stateless; the KV cache belongs to the {@link StageSession}. One thread drives a
 * stage: calls do not overlap. A local stage computes inside {@link #forward} and returns a
 * completed stage; a remote one returns at once.
 */
public interface Stage extends AutoCloseable {
  LayerRange layers();

  /** Whether this stage embeds tokens. */
  boolean isFirst();

  /** Whether this stage ends in the output head. */
  boolean isLast();

  /** The most rows one batch may have. */
  int maxRows();

  /**
   * Opens the state of a session here.
   *
   * @param session an id that is free on this stage
   * @param epoch the session's epoch
   * @param capacity the most positions the session will ever hold; memory grows towards it
   */
  StageSession open(long session, int epoch, int capacity);

  /**
   * Takes a batch through this stage's layers. Every slice must start where its session's KV ends.
   *
   * <p>Fails with {@link org.e2llm.StaleEpochException} for an old epoch, with {@link
   * org.e2llm.InvalidRequestException} for a slice that does not fit; then no session has changed.
   */
  CompletionStage<StageOutput> forward(Batch batch);

  /** Frees every session and the weights. */
  @Override
  void close();
}

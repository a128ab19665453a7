package org.e2llm.pipeline;

import org.e2llm.model.LayerRange;

/**
 * The state of one session on one stage: its KV cache over the stage's layers.
 *
 * <p>Driven by the thread that drives the stage.
 */
public interface StageSession extends AutoCloseable {
  long id();

  int epoch();

  /** Positions held: the next slice starts here. */
  int length();

  /** Drops every position from {@code length} on. */
  void truncate(int length);

  /** Bytes allocated for this session now. */
  long allocatedBytes();

  /**
   * Copies state out.
   *
   * @param layers inside the stage's range
   * @param from first position
   * @param to one past the last position, at most {@link #length()}
   */
  KvBlock exportKv(LayerRange layers, int from, int to);

  /**
   * Copies state in. Positions must continue what every layer of the block holds; {@link #length()}
   * moves once all layers of the stage reach a position.
   */
  void importKv(KvBlock block);

  /** Frees the KV cache. */
  @Override
  void close();
}

package org.e2llm.kernels.model;

import org.e2llm.ClosedException;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.KvBlock;
import org.e2llm.pipeline.StageSession;

/** A session on a {@link LocalStage}. */
final class LocalSession implements StageSession {
  private final LocalStage stage;
  private final long id;
  private final int capacity;
  private final KvCache cache;
  private int epoch;
  private boolean closed;

  /** The last batch this session was in, so that none has it twice. */
  private long batch = -1;

  LocalSession(LocalStage stage, long id, int epoch, int capacity, KvCache cache) {
    this.stage = stage;
    this.id = id;
    this.epoch = epoch;
    this.capacity = capacity;
    this.cache = cache;
  }

  @Override
  public long id() {
    return id;
  }

  @Override
  public int epoch() {
    return epoch;
  }

  @Override
  public int length() {
    checkOpen();
    return cache.length();
  }

  @Override
  public void truncate(int length) {
    checkOpen();
    if (length < 0 || length > cache.length()) {
      throw new InvalidRequestException(
          "session " + id + " cannot be truncated to " + length + ", it holds " + cache.length());
    }
    cache.truncate(length);
  }

  @Override
  public long allocatedBytes() {
    return closed ? 0 : cache.allocatedBytes();
  }

  @Override
  public KvBlock exportKv(LayerRange layers, int from, int to) {
    checkOpen();
    return cache.copyOut(layers, from, to);
  }

  @Override
  public void importKv(KvBlock block) {
    checkOpen();
    cache.copyIn(block, capacity);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      cache.truncate(0);
      stage.forget(id);
    }
  }

  KvCache cache() {
    return cache;
  }

  int capacity() {
    return capacity;
  }

  /** Marks this session as part of {@code number}; false if it is already. */
  boolean joins(long number) {
    boolean first = batch != number;
    batch = number;
    return first;
  }

  /** Takes in what a batch has written. */
  void advance(int length, int newEpoch) {
    cache.advance(length);
    epoch = newEpoch;
  }

  private void checkOpen() {
    if (closed) {
      throw new ClosedException("session " + id + " is closed");
    }
  }
}

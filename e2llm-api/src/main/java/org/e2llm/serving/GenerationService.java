package org.e2llm.serving;

import org.e2llm.Generation;
import org.e2llm.Scorer;
import org.e2llm.ServingStats;
import org.e2llm.StageLostException;
import org.jspecify.annotations.Nullable;

/** Where generations are computed: on this device alone, or wherever a cluster's plan says. */
public interface GenerationService extends AutoCloseable {
  /** Tokens that a generation may be ahead of a caller on another device. */
  int MOST_AHEAD = 32;

  /**
   * Puts a request in the queue.
   *
   * @throws org.e2llm.CapacityException if it can never fit, or the queue is full
   * @throws org.e2llm.ClosedException after {@link #close()}
   */
  Generation submit(Submission submission);

  /** As above; the prompt's KV cache comes from elsewhere, as far as it comes. */
  default Generation submit(Submission submission, KvSource source) {
    return submit(submission);
  }

  /** A place for a conversation's KV cache. */
  KvHold hold();

  /** Frees a hold's KV cache, once; a turn that still runs there keeps nothing. */
  void release(KvHold hold);

  /**
   * The caller of the generation that runs on {@code hold}, or will run there next, is on another
   * device and has so many tokens of it, prompt included: it may run {@link #MOST_AHEAD} tokens
   * further. Without a call it runs as far as it can.
   */
  default void received(KvHold hold, int tokens) {}

  /** Null, or why nothing that runs here can go on: it ends, or has ended. */
  default @Nullable StageLostException lost() {
    return null;
  }

  /**
   * A scorer with a reservation of its own.
   *
   * @throws org.e2llm.CapacityException if there is no room now
   */
  Scorer scorer(int capacity);

  ServingStats stats();

  /** Cancels everything; returns once nothing computes for this any more. */
  @Override
  void close();
}

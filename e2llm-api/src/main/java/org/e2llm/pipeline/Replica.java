package org.e2llm.pipeline;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.e2llm.StageLostException;
import org.jspecify.annotations.Nullable;

/**
 * A chain of stages that together hold the whole model once, with the sampler at its end: tokens
 * in, tokens out. What the serving core talks to, wherever its stages are.
 *
 * <p>Driven by one thread: calls do not overlap. Up to {@link #stepsInFlight} steps may be under
 * way at a time; they end in the order in which they began. A session may have several chunks of
 * its prompt under way, and one step once it samples.
 */
public interface Replica extends AutoCloseable {
  /** The most rows one batch may have. */
  int maxRows();

  /** Steps that may be under way at a time: as many as keep all stages at work. */
  default int stepsInFlight() {
    return 1;
  }

  /**
   * Batches of decoding sessions that may be under way at a time, at most {@link #stepsInFlight}:
   * one for each stage. With more, each would be smaller and read all weights for fewer tokens.
   */
  default int lanes() {
    return 1;
  }

  /** Rows of the output head. */
  int vocabularySize();

  /**
   * Opens a session. Until {@link ReplicaSession#begin} it gives logits instead of tokens.
   *
   * @param session an id that is free on this replica
   * @param epoch the session's epoch
   * @param capacity the most positions the session will ever hold; memory grows towards it
   */
  ReplicaSession open(long session, int epoch, int capacity);

  /**
   * As above, of a session that {@code caller} may have had before on stages of this replica, in
   * whatever epoch. What they still hold of it stays: {@link ReplicaSession#length} says where it
   * is to be fed from. Positions from there on that some stages hold are computed by the others
   * alone.
   *
   * @param caller whose number of the session is the same in all its epochs; null if nobody's
   * @param known its tokens, of which the last one is fed in any case
   */
  default ReplicaSession open(
      long session, int epoch, int capacity, @Nullable Caller caller, int known) {
    return open(session, epoch, capacity);
  }

  /**
   * Takes a batch of tokens through all stages and samples. The tokens of the batch have been read
   * when this returns. What concerns one session alone, such as logits that are not finite, is an
   * error in its output; a step that fails leaves the sessions of its batch in no state to go on.
   *
   * @return one output per slice, in the order of the batch; completed by whatever thread has it;
   *     logits in it are valid until the next step
   */
  CompletionStage<List<SliceOutput>> step(Batch batch);

  /**
   * Completes with the reason once a stage is lost: every call fails from then on, and no session
   * that is open here can go on, also one that waits for nothing just now. Never completes for a
   * replica that no other device is part of.
   */
  default CompletionStage<StageLostException> lost() {
    return new CompletableFuture<>();
  }

  /** Closes every session and every stage. */
  @Override
  void close();
}

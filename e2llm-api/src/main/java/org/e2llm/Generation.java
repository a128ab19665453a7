package org.e2llm;

import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.Flow;
import java.util.function.Consumer;

/**
 * A running generation: a single-use handle with three views of its tokens, of which one may be
 * used.
 *
 * <ul>
 *   <li>pull: {@code for (Token t : generation)}. Leaving the loop does not cancel;
 *   <li>{@link #publisher()}: reactive streams, honours demand;
 *   <li>{@link #onToken}: a callback.
 * </ul>
 *
 * <p>{@link #await()} goes with each of them, or alone. Tokens that nobody has read yet are kept;
 * there are at most as many as the request's {@code maxTokens}. The generation computes on whether
 * or not they are read.
 *
 * <p>Thread-safe. Callbacks and publisher signals come from one delivery thread that all
 * generations of an {@link E2llm} share, in order; never from the thread that computes. A slow
 * callback delays other callbacks, not the computing.
 *
 * <p>A generation that fails throws its error from the iterator and from {@code await}; the error
 * carries the {@linkplain E2llmException#textSoFar() text so far}. A cancelled one does not fail:
 * its iterator ends, its result says {@link FinishReason#CANCELLED}.
 */
public interface Generation extends Iterable<Token>, AutoCloseable {
  /**
   * The tokens as they come; {@code hasNext} blocks until there is one, or the generation has
   * ended. An interrupt while blocked gives {@link WaitInterruptedException}, keeps the interrupt
   * flag, and leaves the generation running; the iterator can be used again.
   *
   * @throws IllegalStateException if a view is already in use
   */
  @Override
  Iterator<Token> iterator();

  /**
   * The tokens as a publisher for one subscriber. Cancelling the subscription cancels the
   * generation. A failed generation signals {@code onError} after its last token.
   *
   * @throws IllegalStateException if a view is already in use
   */
  Flow.Publisher<Token> publisher();

  /**
   * Calls {@code callback} for every token, also for those that came before this call. If it
   * throws, the generation ends with {@link CallbackException}.
   *
   * @return this
   * @throws IllegalStateException if a view is already in use
   */
  Generation onToken(Consumer<Token> callback);

  /**
   * Waits for the end. With {@link #onToken} it also waits until the callback has seen the last
   * token, unless it is called from a callback.
   *
   * @throws WaitInterruptedException if the thread is interrupted; the flag is kept
   * @throws E2llmException the error the generation ended with
   */
  GenerationResult await();

  /**
   * As {@link #await()}, for a limited time.
   *
   * @throws WaitTimeoutException if it has not ended by then; it goes on
   */
  GenerationResult await(Duration timeout);

  /**
   * Ends the generation as soon as the batch in flight is done, and frees its KV cache. Tokens that
   * were already generated can still be read. Returns at once; does nothing if it has ended.
   */
  void cancel();

  /** Whether it has ended: {@link #await()} would not block for the computing. */
  boolean isDone();

  /** As {@link #cancel()}. */
  @Override
  void close();
}

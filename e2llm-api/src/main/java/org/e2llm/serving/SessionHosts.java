package org.e2llm.serving;

import java.time.Duration;
import org.e2llm.pipeline.SamplingSpec;
import org.jspecify.annotations.Nullable;

/**
 * The way from a caller to the devices that host first stages. No call blocks; what follows comes
 * back as events of {@link CallerSessions}.
 */
public interface SessionHosts {
  /**
   * What a host is asked to compute.
   *
   * @param session the caller's number of it
   * @param epoch the session's epoch
   * @param tokens all known tokens from position 0 on
   * @param maxTokens to sample at most
   * @param deadline for waiting at the host, or null
   * @param waited for how long it has waited until now; null if it has begun elsewhere
   * @param hold the caller's number of the conversation whose KV cache this uses and leaves, or 0
   * @param promptHost the host of another replica, which is to compute the prompt for this one;
   *     null if this one does so itself
   */
  record Request(
      long session,
      int epoch,
      int[] tokens,
      int maxTokens,
      SamplingSpec sampling,
      @Nullable Duration deadline,
      @Nullable Duration waited,
      long hold,
      @Nullable String promptHost) {}

  /** This device. */
  String self();

  /**
   * Starts a session there.
   *
   * @throws org.e2llm.E2llmException if it never can be, such as for what cannot be sent
   */
  void start(String host, Request request);

  /** This epoch of a session is over; does nothing if the host does not know it. */
  void stop(String host, long session, int epoch);

  /**
   * The caller has so many tokens of a session, prompt included; see {@link
   * GenerationService#received}.
   */
  void received(String host, long session, int epoch, int tokens);

  /**
   * Asks how the session is, because nothing was heard of it; says too how many tokens of it the
   * caller has. The answer is {@link CallerSessions#goesOn}, {@link CallerSessions#interrupted} if
   * the host does not have it, or any other event of the session; there may be none.
   */
  void ask(String host, long session, int epoch, int tokens);

  /** A conversation is over; does nothing if the host holds nothing of it. */
  void release(String host, long hold);
}

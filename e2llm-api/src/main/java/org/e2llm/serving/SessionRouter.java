package org.e2llm.serving;

import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the replicas on which sessions of this app run, by the devices of their first stages. A
 * pure decision: what it knows of the app's sessions is handed to it.
 */
public interface SessionRouter {
  /**
   * What a session is expected to be, or is.
   *
   * @param promptTokens known tokens that are not in the KV cache of its host
   * @param heldTokens those that are; another replica would compute them again
   * @param maxTokens the most it may still generate
   */
  record Request(int promptTokens, int heldTokens, int maxTokens) {}

  /** How far a session is at its host. */
  enum Phase {
    /** Nothing was computed for it there. */
    WAITS,
    PREFILLS,
    DECODES
  }

  /**
   * Another session of this app.
   *
   * @param host where it decodes
   * @param promptHost where its prompt is computed, or null if at its host
   * @param request as it was placed
   */
  record Placed(String host, @Nullable String promptHost, Request request, Phase phase) {}

  /** Where a session without a place decodes; null if any host will do. */
  @Nullable String host(Request request, Collection<Placed> others);

  /** Where a session that waits at {@code host} would begin sooner; null to stay. */
  @Nullable String betterHost(String host, Request request, Collection<Placed> others);

  /** Where the prompt of a session is computed that decodes on {@code host}; null for there. */
  @Nullable String promptHost(String host, Request request, Collection<Placed> others);
}

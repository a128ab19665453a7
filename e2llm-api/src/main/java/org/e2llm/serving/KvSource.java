package org.e2llm.serving;

import org.e2llm.pipeline.ReplicaSession;

/**
 * Where the KV cache of a session's prompt comes from when another replica computes it. Only the
 * origin differs: whatever does not come is computed by the session's own replica, with the same
 * result bit for bit.
 *
 * <p>For one generation. Called on the serving thread.
 */
public interface KvSource {
  /** Is told how far it is; on any thread. */
  interface Listener {
    /** All stages hold every position before this one. */
    void reached(int position);

    /** Nothing more comes, because all is there or because it failed: {@link KvSource#end}. */
    void over();
  }

  /**
   * Begins to fill the cache up to the prompt's last token, which the session feeds itself.
   *
   * @param session just opened, on all stages
   * @param prompt all known tokens
   * @param from what the session holds already
   * @return false if nothing will come, and the listener is not told anything
   */
  boolean begin(ReplicaSession session, int[] prompt, int from, Listener listener);

  /**
   * From now on nothing changes the session's cache any more. Called once after {@link #begin},
   * when the listener was told or when the session ends before.
   *
   * @return the positions that all stages hold; some may hold more
   */
  int end();
}

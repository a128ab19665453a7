package org.e2llm.serving;

import org.e2llm.pipeline.ReplicaSession;

/**
 * Where the KV cache of a prompt goes whose tokens another replica samples. Called on the serving
 * thread of the replica that computes it; must not throw.
 */
public interface KvTarget {
  /** The session is open on all stages; nothing was computed for it. */
  void opened(ReplicaSession session);

  /** The first stage, whose length the session has, has computed more. */
  void advanced();

  /** All stages have computed the whole prompt. The session stays until it is cancelled. */
  void computed();

  /** The session is over. */
  void ended();
}

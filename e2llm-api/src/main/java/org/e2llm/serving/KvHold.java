package org.e2llm.serving;

import org.e2llm.pipeline.ReplicaSession;
import org.jspecify.annotations.Nullable;

/**
 * Where a conversation's KV cache stays between turns. Its contents belong to the serving thread.
 */
public final class KvHold {
  final long id;
  @Nullable ReplicaSession session;
  boolean released;
  private int[] tokens = {};
  private volatile int length;

  KvHold(long id) {
    this.id = id;
  }

  /** Tokens whose KV is held now. */
  public int length() {
    return length;
  }

  void keep(ReplicaSession kept, int[] held) {
    session = kept;
    tokens = held;
    length = held.length;
  }

  void drop() {
    session = null;
    tokens = new int[0];
    length = 0;
  }

  /**
   * How many of the tokens held the prompt begins with; at least one of the prompt stays to feed.
   */
  int reusable(int[] prompt) {
    int most = Math.min(tokens.length, prompt.length - 1);
    int common = 0;
    while (common < most && tokens[common] == prompt[common]) {
      common++;
    }
    return common;
  }
}

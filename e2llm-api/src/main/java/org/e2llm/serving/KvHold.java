package org.e2llm.serving;

import java.util.function.IntConsumer;
import org.e2llm.pipeline.ReplicaSession;
import org.jspecify.annotations.Nullable;

/**
 * Where a conversation's KV cache stays between turns. Its contents belong to the serving thread;
 * in a cluster they lie on the host of its last turn, and the caller's side only knows where.
 */
public final class KvHold {
  final long id;
  @Nullable ReplicaSession session;
  boolean released;

  /**
   * Where the KV cache is, if that is another one's serving loop. Belongs to the caller's thread.
   */
  @Nullable String host;

  /**
   * Tokens that the caller of the running generation has; the generation is at most {@link
   * GenerationService#MOST_AHEAD} tokens ahead of it.
   */
  volatile int received = Integer.MAX_VALUE;

  /** Tokens of the running generation, prompt included, as far as they are sampled. */
  volatile int sampled;

  private int[] tokens = {};
  private volatile int length;
  private volatile IntConsumer onStart = reused -> {};

  KvHold(long id) {
    this.id = id;
  }

  /** Tokens whose KV is held now. */
  public int length() {
    return length;
  }

  /** Tokens of the generation that runs here, prompt included, as far as they are sampled. */
  public int sampled() {
    return sampled;
  }

  /**
   * What is called when the next generation begins, before anything is computed for it, with how
   * many tokens of its prompt were held. On the serving thread: quick.
   */
  public void onStart(IntConsumer listener) {
    onStart = listener;
  }

  void starts(int reused) {
    onStart.accept(reused);
  }

  /** The KV cache of {@code count} tokens stays with {@code where}. */
  void keptBy(String where, int count) {
    host = where;
    length = count;
  }

  void keep(ReplicaSession kept, int[] held) {
    session = kept;
    tokens = held;
    length = held.length;
  }

  void drop() {
    session = null;
    host = null;
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

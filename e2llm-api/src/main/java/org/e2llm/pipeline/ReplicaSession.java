package org.e2llm.pipeline;

import org.jspecify.annotations.Nullable;

/** The state of one session on a replica: its KV cache over all layers, and what sampling needs. */
public interface ReplicaSession extends StageSession {
  /**
   * Says what tokens are to be sampled from now on: for every slice with {@link Batch.Logits#LAST}
   * that ends where the tokens known so far end, the next one. The replica adds what it samples to
   * its own log.
   *
   * @param tokens all known tokens from position 0 on, those the KV cache holds already included;
   *     at least one more than {@link #length()}
   * @param caller who gets the tokens too, as soon as they are sampled; null if nobody else does
   */
  void begin(int[] tokens, SamplingSpec sampling, @Nullable Caller caller);
}

package org.e2llm.plan;

import org.e2llm.model.KvType;

/**
 * How what crosses the network is encoded. Part of the plan, so that a lossy one is never silent.
 *
 * @param hidden hidden states between stages
 * @param kv KV cache between replicas; lossless if it is the type of the cache
 */
public record WireFormats(HiddenType hidden, KvType kv) {
  /** Changes no bit of a result. */
  public static WireFormats lossless(KvType cache) {
    return new WireFormats(HiddenType.F32, cache);
  }
}

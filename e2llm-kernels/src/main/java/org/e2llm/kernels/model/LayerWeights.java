package org.e2llm.kernels.model;

import java.util.Arrays;
import org.e2llm.kernels.gguf.WeightSlice;
import org.e2llm.kernels.math.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The weights of one layer, read-only. Matrices stay where the file is mapped; norms and biases are
 * F32 arrays.
 *
 * @param attnNorm before attention; embedding length
 * @param query to query heads
 * @param key to key heads
 * @param value to value heads
 * @param queryNorm of each query head, or null
 * @param keyNorm of each key head, or null
 * @param attnOutput from the heads' outputs back to the embedding length
 * @param postAttentionNorm after attention, or null
 * @param ffnNorm before the feed-forward network
 * @param gate to the feed-forward length
 * @param up to the feed-forward length
 * @param down back to the embedding length
 * @param postFfwNorm after the feed-forward network, or null
 */
record LayerWeights(
    float[] attnNorm,
    Projection query,
    Projection key,
    Projection value,
    float @Nullable [] queryNorm,
    float @Nullable [] keyNorm,
    Projection attnOutput,
    float @Nullable [] postAttentionNorm,
    float[] ffnNorm,
    Projection gate,
    Projection up,
    Projection down,
    float @Nullable [] postFfwNorm) {

  /**
   * Takes layer {@code layer} from {@code slice}; shapes have been checked by {@link TensorLayout}.
   */
  static LayerWeights of(WeightSlice slice, ModelConfig config, int layer) {
    Reader reader = new Reader(slice, layer);
    Heads heads = config.heads();
    Projection query;
    Projection key;
    Projection value;
    if (reader.has("attn_qkv.weight")) {
      int keys = heads.queryWidth();
      int values = keys + heads.keyWidth();
      query = reader.part("attn_qkv", 0, keys);
      key = reader.part("attn_qkv", keys, heads.keyWidth());
      value = reader.part("attn_qkv", values, heads.valueWidth());
    } else {
      query = reader.projection("attn_q");
      key = reader.projection("attn_k");
      value = reader.projection("attn_v");
    }
    int inner = config.feedForwardLength();
    boolean fused = !reader.has("ffn_gate.weight");
    return new LayerWeights(
        reader.norm("attn_norm"),
        query,
        key,
        value,
        reader.optional("attn_q_norm.weight"),
        reader.optional("attn_k_norm.weight"),
        reader.projection("attn_output"),
        reader.optional("post_attention_norm.weight"),
        reader.norm("ffn_norm"),
        fused ? reader.part("ffn_up", 0, inner) : reader.projection("ffn_gate"),
        fused ? reader.part("ffn_up", inner, inner) : reader.projection("ffn_up"),
        reader.projection("ffn_down"),
        reader.optional("post_ffw_norm.weight"));
  }

  /** Names without their layer and suffix. */
  private record Reader(WeightSlice slice, int layer) {
    boolean has(String name) {
      return slice.has(TensorLayout.name(layer, name));
    }

    float[] norm(String name) {
      return slice.floats(TensorLayout.name(layer, name + ".weight"));
    }

    float @Nullable [] optional(String name) {
      return has(name) ? slice.floats(TensorLayout.name(layer, name)) : null;
    }

    Tensor matrix(String name) {
      return slice.tensor(TensorLayout.name(layer, name + ".weight"));
    }

    Projection projection(String name) {
      return Projection.of(matrix(name), optional(name + ".bias"));
    }

    Projection part(String name, int firstRow, int rows) {
      float[] whole = optional(name + ".bias");
      float[] bias = whole == null ? null : Arrays.copyOfRange(whole, firstRow, firstRow + rows);
      return new Projection(matrix(name), firstRow, rows, bias);
    }
  }
}

package org.e2llm.model;

import java.util.List;

/**
 * The shape and the sizes of a model, as its file states them.
 *
 * @param name {@code general.name}, or the file's name
 * @param architecture {@code general.architecture}, such as {@code llama}
 * @param quantization the type most weight bytes are in, such as {@code Q4_K_M} or {@code F16}
 * @param layerCount transformer blocks
 * @param embeddingLength width of the hidden state
 * @param feedForwardLength width inside the feed-forward network
 * @param headCount query heads
 * @param headCountKv key and value heads
 * @param keyLength elements per key head
 * @param valueLength elements per value head
 * @param vocabularySize rows of the output head
 * @param contextLength positions the model was trained for
 * @param parameterCount elements of all tensors
 * @param layerBytes weight bytes per layer
 * @param embeddingBytes weight bytes of the token embedding (and what goes with it)
 * @param outputBytes weight bytes of the output head and last norm; with tied embeddings the
 *     embedding counts in both
 * @param endOfGeneration token ids that end a generation, ascending
 */
public record ModelSpec(
    String name,
    String architecture,
    String quantization,
    int layerCount,
    int embeddingLength,
    int feedForwardLength,
    int headCount,
    int headCountKv,
    int keyLength,
    int valueLength,
    int vocabularySize,
    int contextLength,
    long parameterCount,
    List<Long> layerBytes,
    long embeddingBytes,
    long outputBytes,
    List<Integer> endOfGeneration) {
  public ModelSpec {
    layerBytes = List.copyOf(layerBytes);
    endOfGeneration = List.copyOf(endOfGeneration);
  }

  /** All layers. */
  public LayerRange layers() {
    return LayerRange.of(0, layerCount);
  }

  /**
   * Bytes of the weights of {@code layers}, with the embedding where they begin the model and the
   * output head where they end it; layers that the model lacks count nothing.
   */
  public long weightBytes(LayerRange layers) {
    long bytes = layers.from() == 0 ? embeddingBytes : 0;
    for (int layer = layers.from(); layer < Math.min(layers.to(), layerCount); layer++) {
      bytes += layerBytes.get(layer);
    }
    return bytes + (layers.to() == layerCount ? outputBytes : 0);
  }

  /** Bytes of KV cache that one position takes over {@code layers}. */
  public long kvBytesPerToken(KvType type, LayerRange layers) {
    return layers.size()
        * (type.bytes((long) headCountKv * keyLength)
            + type.bytes((long) headCountKv * valueLength));
  }

  public boolean isEndOfGeneration(int token) {
    return endOfGeneration.contains(token);
  }
}

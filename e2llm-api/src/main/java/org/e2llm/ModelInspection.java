package org.e2llm;

import java.util.Map;
import org.e2llm.model.GgmlType;
import org.e2llm.model.KvType;
import org.e2llm.model.ModelSpec;

/**
 * What a model file says of itself, read from its header alone.
 *
 * @param spec shape and sizes
 * @param ggufVersion 2 or 3
 * @param files files of the set
 * @param fileBytes bytes of all files
 * @param headerBytes bytes read to know this
 * @param tensorTypes tensors per type
 * @param tensorTypeBytes bytes per type
 * @param tokenizer {@code tokenizer.ggml.model} and, where there is one, the pre-tokenizer
 * @param chatTemplate the recognised chat format, {@code unknown} or {@code none}
 * @param computable empty, or why this library cannot compute the model
 */
public record ModelInspection(
    ModelSpec spec,
    int ggufVersion,
    int files,
    long fileBytes,
    long headerBytes,
    Map<GgmlType, Integer> tensorTypes,
    Map<GgmlType, Long> tensorTypeBytes,
    String tokenizer,
    String chatTemplate,
    String computable) {
  /**
   * Bytes needed to run with one session of {@code context} tokens: weights (mapped, may be
   * evicted) plus KV cache plus working buffers.
   */
  public long memoryNeeded(int context, KvType type) {
    return weightBytes() + context * spec.kvBytesPerToken(type, spec.layers()) + workingBytes(512);
  }

  /** Bytes of all tensors. */
  public long weightBytes() {
    long sum = 0;
    for (long bytes : tensorTypeBytes.values()) {
      sum += bytes;
    }
    return sum;
  }

  private long workingBytes(int rows) {
    long perRow =
        4L * spec.embeddingLength()
            + 2L * spec.feedForwardLength()
            + 2L * spec.headCount() * spec.keyLength();
    return 4 * (rows * perRow + 2L * spec.vocabularySize());
  }
}

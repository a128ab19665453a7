package org.e2llm.planner.cost;

import org.e2llm.InvalidRequestException;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;

/**
 * What a cost model needs to know of a model: parameters, bytes and widths, per layer and at both
 * ends. Immutable.
 *
 * <p>The output head is work and memory for whoever ends the chain, the embedding is memory for
 * whoever starts it. Where the two are one tensor (tied) and one device has both ends, it holds
 * them once.
 */
public final class PlannedModel {
  /** Rows of the largest batch that work buffers are reckoned for. */
  private static final int BATCH_ROWS = 512;

  private final ModelSpec spec;
  private final KvType kvType;
  private final long[] bytesBefore;
  private final long layerParameters;
  private final long headParameters;
  private final long kvBytesPerLayer;
  private final boolean tied;

  /**
   * Takes over what a file says.
   *
   * @throws InvalidRequestException if the file does not state its shape
   */
  public PlannedModel(ModelSpec spec, KvType kvType) {
    this.spec = spec;
    this.kvType = kvType;
    require("block_count", spec.layerCount());
    require("embedding_length", spec.embeddingLength());
    require("attention.head_count", spec.headCount());
    require("attention.head_count_kv", spec.headCountKv());
    require("vocabulary size", spec.vocabularySize());
    if (spec.layerBytes().size() != spec.layerCount()) {
      throw new InvalidRequestException(
          "model "
              + spec.name()
              + " gives the bytes of "
              + spec.layerBytes().size()
              + " layers but has "
              + spec.layerCount());
    }
    bytesBefore = new long[spec.layerCount() + 1];
    for (int i = 0; i < spec.layerCount(); i++) {
      long bytes = spec.layerBytes().get(i);
      if (bytes <= 0) {
        throw new InvalidRequestException(
            "layer " + i + " of model " + spec.name() + " has " + bytes + " bytes of weights");
      }
      bytesBefore[i + 1] = bytesBefore[i] + bytes;
    }
    headParameters = (long) spec.vocabularySize() * spec.embeddingLength();
    layerParameters = layerParameters(spec);
    tied = spec.parameterCount() < spec.layerCount() * layerParameters + headParameters * 3 / 2;
    kvBytesPerLayer = spec.kvBytesPerToken(kvType, LayerRange.of(0, 1));
  }

  private void require(String what, int value) {
    if (value < 1) {
      throw new InvalidRequestException(
          "model " + spec.name() + " does not state its " + what + ": it cannot be planned for");
    }
  }

  /**
   * The matrices of a gated block: queries, keys, values, attention output, gate, up and down;
   * norms and biases are too small to count. From the total where the file does not state the width
   * of the feed-forward network.
   */
  private static long layerParameters(ModelSpec spec) {
    long h = spec.embeddingLength();
    if (spec.feedForwardLength() == 0) {
      long head = h * spec.vocabularySize();
      return Math.max(1, (spec.parameterCount() - 2 * head) / spec.layerCount());
    }
    long queries = (long) spec.headCount() * spec.keyLength();
    long values = (long) spec.headCount() * spec.valueLength();
    long keysAndValues = (long) spec.headCountKv() * (spec.keyLength() + spec.valueLength());
    return h * (queries + values + keysAndValues) + 3 * h * spec.feedForwardLength();
  }

  public ModelSpec spec() {
    return spec;
  }

  public KvType kvType() {
    return kvType;
  }

  public int layerCount() {
    return spec.layerCount();
  }

  /** Width of the hidden state (h). */
  public int hidden() {
    return spec.embeddingLength();
  }

  /** Heads × head size (a). */
  public int attentionWidth() {
    return spec.headCount() * spec.keyLength();
  }

  /** Parameters of one layer that every token meets (p). */
  public long layerParameters() {
    return layerParameters;
  }

  /** Parameters of the output head. */
  public long headParameters() {
    return headParameters;
  }

  /** Weight bytes of layers, without embedding and head. */
  public long layerBytes(int from, int to) {
    return bytesBefore[to] - bytesBefore[from];
  }

  /** Weight bytes of the output head. */
  public long headBytes() {
    return spec.outputBytes();
  }

  /** KV cache of one token in one layer, in the cache's type (kv). */
  public long kvBytesPerLayer() {
    return kvBytesPerLayer;
  }

  /** Weight bytes a device must hold for layers, with what goes with the ends of the chain. */
  public long weightBytes(int from, int to) {
    boolean first = from == 0;
    boolean last = to == layerCount();
    long ends = (first ? spec.embeddingBytes() : 0) + (last ? spec.outputBytes() : 0);
    if (first && last && tied) {
      ends = Math.max(spec.embeddingBytes(), spec.outputBytes());
    }
    return layerBytes(from, to) + ends;
  }

  /**
   * Bytes that grow with every cached token: its KV, and behind the first stage the journal of
   * hidden states from which a lost neighbour's cache can be computed again.
   */
  public long bytesPerToken(int from, int to) {
    return (to - from) * kvBytesPerLayer + (from > 0 ? 4L * hidden() : 0);
  }

  /** Work buffers, whatever is cached: activations of a batch, and logits at the end. */
  public long workBytes(int to) {
    long perRow = 4L * hidden() + 2L * spec.feedForwardLength() + 2L * attentionWidth();
    long logits = to == layerCount() ? 2L * spec.vocabularySize() : 0;
    return 4 * (BATCH_ROWS * perRow + logits);
  }

  /** All a device must offer to host layers with {@code tokens} cached. */
  public long memoryBytes(int from, int to, long tokens) {
    return weightBytes(from, to) + workBytes(to) + tokens * bytesPerToken(from, to);
  }

  /** Of the memory of a device that has two stages, what one gets beside the other. */
  public long part(long memoryBytes, LayerRange layers, LayerRange other) {
    double weights = weightBytes(layers.from(), layers.to());
    return (long) (memoryBytes * (weights / (weights + weightBytes(other.from(), other.to()))));
  }

  /** The most tokens that can be cached beside the weights; negative if not even they fit. */
  public long tokensThatFit(int from, int to, long memoryBytes) {
    long free = memoryBytes - memoryBytes(from, to, 0);
    return free < 0 ? -1 : free / bytesPerToken(from, to);
  }
}

package org.e2llm.kernels.model;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.e2llm.InvalidRequestException;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.KvBlock;

/**
 * Keys and values of one session over a stage's layers. Grows by pages, in every layer alike; knows
 * how many positions each layer holds, because an import may bring some layers before others.
 *
 * <p>Layers that slide keep every position, so that a session can be truncated and exported
 * anywhere.
 */
final class KvCache {
  private final KvType type;
  private final LayerRange layers;
  private final Heads heads;
  private final List<KvPages<?>> keys = new ArrayList<>();
  private final List<KvPages<?>> values = new ArrayList<>();
  private final int[] lengths;

  KvCache(KvType type, LayerRange layers, Heads heads, Kernels kernels) {
    this.type = type;
    this.layers = layers;
    this.heads = heads;
    lengths = new int[layers.size()];
    for (int i = 0; i < layers.size(); i++) {
      keys.add(KvPages.of(type, heads.countKv(), heads.keyLength(), kernels));
      values.add(KvPages.of(type, heads.countKv(), heads.valueLength(), kernels));
    }
  }

  KvPages<?> keys(int layer) {
    return keys.get(layer - layers.from());
  }

  KvPages<?> values(int layer) {
    return values.get(layer - layers.from());
  }

  /** Positions that every layer holds. */
  int length() {
    int shortest = Integer.MAX_VALUE;
    for (int length : lengths) {
      shortest = Math.min(shortest, length);
    }
    return shortest;
  }

  /** Whether all layers hold equally many positions: no import is half-way. */
  boolean isEven() {
    for (int length : lengths) {
      if (length != lengths[0]) {
        return false;
      }
    }
    return true;
  }

  /** Makes room for {@code positions} in every layer; what is held does not change. */
  void reserve(int positions) {
    for (int i = 0; i < lengths.length; i++) {
      keys.get(i).grow(positions);
      values.get(i).grow(positions);
    }
  }

  /** Declares that every layer now holds {@code length} positions, which have been written. */
  void advance(int length) {
    Arrays.fill(lengths, length);
  }

  /** Drops every position from {@code length} on and frees what is not needed. */
  void truncate(int length) {
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = Math.min(lengths[i], length);
      keys.get(i).shrink(lengths[i]);
      values.get(i).shrink(lengths[i]);
    }
  }

  /** Heap bytes of the pages. */
  long allocatedBytes() {
    long perPage = KvPages.POSITIONS * rowBytes();
    long pages = 0;
    for (KvPages<?> layer : keys) {
      pages += layer.pageCount();
    }
    return pages * perPage;
  }

  KvBlock copyOut(LayerRange wanted, int from, int to) {
    if (!layers.contains(wanted) || wanted.size() == 0) {
      throw new InvalidRequestException(
          "KV export of layers " + wanted + ", this stage has " + layers);
    }
    if (from < 0 || from >= to || to > length()) {
      throw new InvalidRequestException(
          "KV export of positions [" + from + ", " + to + "), the session holds " + length());
    }
    long bytes = blockBytes(wanted, from, to);
    if (bytes > Integer.MAX_VALUE) {
      throw new InvalidRequestException(
          "KV export of "
              + bytes
              + " bytes, the limit is "
              + Integer.MAX_VALUE
              + ": export fewer layers or positions at once");
    }
    ByteBuffer data = ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int layer = wanted.from(); layer < wanted.to(); layer++) {
      keys(layer).copyOut(from, to, data);
      values(layer).copyOut(from, to, data);
    }
    ((Buffer) data).rewind();
    return new KvBlock(KvBlock.Kind.KV, wanted, from, to, type, data);
  }

  /**
   * @param capacity the most positions this session may hold
   */
  void copyIn(KvBlock block, int capacity) {
    check(block, capacity);
    LayerRange wanted = block.layers();
    for (int layer = wanted.from(); layer < wanted.to(); layer++) {
      keys(layer).grow(block.to());
      values(layer).grow(block.to());
    }
    ByteBuffer data = block.data().duplicate().order(ByteOrder.LITTLE_ENDIAN);
    for (int layer = wanted.from(); layer < wanted.to(); layer++) {
      keys(layer).copyIn(block.from(), block.to(), data);
      values(layer).copyIn(block.from(), block.to(), data);
      lengths[layer - layers.from()] = block.to();
    }
  }

  private void check(KvBlock block, int capacity) {
    if (block.kind() != KvBlock.Kind.KV) {
      throw new InvalidRequestException(
          "KV import of kind " + block.kind() + ", this model has keys and values only");
    }
    if (block.type() != type) {
      throw new InvalidRequestException(
          "KV import of type " + block.type() + ", this cache is " + type);
    }
    LayerRange wanted = block.layers();
    if (!layers.contains(wanted) || wanted.size() == 0) {
      throw new InvalidRequestException(
          "KV import of layers " + wanted + ", this stage has " + layers);
    }
    if (block.from() < 0 || block.from() >= block.to() || block.to() > capacity) {
      throw new InvalidRequestException(
          "KV import of positions ["
              + block.from()
              + ", "
              + block.to()
              + "), the capacity is "
              + capacity);
    }
    for (int layer = wanted.from(); layer < wanted.to(); layer++) {
      int held = lengths[layer - layers.from()];
      if (held != block.from()) {
        throw new InvalidRequestException(
            "KV import from position " + block.from() + ", layer " + layer + " holds " + held);
      }
    }
    long bytes = blockBytes(wanted, block.from(), block.to());
    if (block.data().remaining() != bytes) {
      throw new InvalidRequestException(
          "KV import of " + block.data().remaining() + " bytes, expected " + bytes);
    }
  }

  private long blockBytes(LayerRange wanted, int from, int to) {
    return rowBytes() * wanted.size() * (to - from);
  }

  /** Bytes of one position in one layer. */
  private long rowBytes() {
    return type.bytes(heads.keyWidth()) + type.bytes(heads.valueWidth());
  }
}

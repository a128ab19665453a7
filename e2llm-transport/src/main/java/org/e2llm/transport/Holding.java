package org.e2llm.transport;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.model.LayerRange;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/**
 * Which bytes of the model lie on a device. On the wire: string model id; bool full; i64 disk;
 * count, (u32 from, u32 to)… layers.
 *
 * @param modelId 64 hex characters; empty as long as it is not known, such as while a file is
 *     hashed
 * @param full its app has the model's file
 * @param diskBytes that its cache may take for this model; what is there counts too
 * @param layers all bytes of which are in its cache; ascending and apart
 */
record Holding(String modelId, boolean full, long diskBytes, List<LayerRange> layers) {
  /** Nothing is known. */
  static final Holding NONE = new Holding("", false, 0, List.of());

  /** Apart from each other, so every second layer at most. */
  private static final int MOST_RANGES = 512;

  private static final int MOST_LAYERS = 1 << 20;

  Holding {
    layers = List.copyOf(layers);
  }

  boolean has(int layer) {
    if (full) {
      return true;
    }
    for (LayerRange range : layers) {
      if (range.contains(layer)) {
        return true;
      }
    }
    return false;
  }

  boolean has(LayerRange range) {
    for (int layer = range.from(); layer < range.to(); layer++) {
      if (!has(layer)) {
        return false;
      }
    }
    return true;
  }

  void write(FieldWriter out) {
    List<LayerRange> told = layers.subList(0, Math.min(MOST_RANGES, layers.size()));
    out.string(modelId).bool(full).i64(diskBytes).count(told.size());
    told.forEach(range -> out.i32(range.from()).i32(range.to()));
  }

  static Holding read(FieldReader in) {
    String modelId = in.string("holding.model");
    boolean full = in.bool("holding.full");
    long disk = in.i64("holding.disk", 0, Long.MAX_VALUE);
    List<LayerRange> layers = new ArrayList<>();
    int least = 0;
    for (int n = in.count("holding.layers", 8, MOST_RANGES); n > 0; n--) {
      int from = in.i32("holding.layers.from", least, MOST_LAYERS);
      least = in.i32("holding.layers.to", from + 1, MOST_LAYERS + 1);
      layers.add(LayerRange.of(from, least));
    }
    return new Holding(modelId, full, disk, layers);
  }
}

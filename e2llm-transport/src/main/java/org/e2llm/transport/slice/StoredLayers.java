package org.e2llm.transport.slice;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelLayout;

/** Which leaves of a model that is kept here are which layers'. Not thread-safe. */
final class StoredLayers {
  private final StoredModel model;
  private final ModelLayout layout;

  /** By layer. */
  private final List<BitSet> leaves = new ArrayList<>();

  StoredLayers(StoredModel model, ModelLayout layout) {
    this.model = model;
    this.layout = layout;
    for (int layer = 0; layer < layout.layerCount(); layer++) {
      leaves.add(needed(List.of(LayerRange.of(layer, layer + 1))));
    }
  }

  /** All leaves of some layers, with the embedding's and the head's where these go with them. */
  BitSet needed(List<LayerRange> ranges) {
    return model.manifest().leaves().needed(layout, ranges);
  }

  /** The layers of which all leaves are here, in order. */
  List<LayerRange> held() {
    BitSet held = model.held();
    BitSet layers = new BitSet();
    for (int layer = 0; layer < leaves.size(); layer++) {
      BitSet missing = (BitSet) leaves.get(layer).clone();
      missing.andNot(held);
      layers.set(layer, missing.isEmpty());
    }
    List<LayerRange> ranges = new ArrayList<>();
    for (int from = layers.nextSetBit(0); from >= 0; ) {
      int to = layers.nextClearBit(from);
      ranges.add(LayerRange.of(from, to));
      from = layers.nextSetBit(to);
    }
    return ranges;
  }

  /** The layers that some leaves belong to; the embedding counts as the first, the head as last. */
  List<Integer> of(BitSet some) {
    BitSet layers = new BitSet();
    for (int leaf = some.nextSetBit(0); leaf >= 0; leaf = some.nextSetBit(leaf + 1)) {
      ModelLayout.Tensor tensor = layout.tensors().get(model.manifest().leaves().tensorOf(leaf));
      boolean first = tensor.part() == ModelLayout.Part.EMBEDDING;
      layers.set(tensor.layer() >= 0 ? tensor.layer() : first ? 0 : layout.layerCount() - 1);
    }
    List<Integer> all = new ArrayList<>();
    layers.stream().forEach(all::add);
    return all;
  }
}

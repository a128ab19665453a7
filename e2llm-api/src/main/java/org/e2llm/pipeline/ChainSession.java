package org.e2llm.pipeline;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.model.LayerRange;

/** A session over the stages of a chain. Its KV is cut and joined where the stages meet. */
final class ChainSession implements StageSession {
  private final List<Stage> stages;
  private final List<StageSession> parts;
  private final Runnable onClose;

  ChainSession(List<Stage> stages, List<StageSession> parts, Runnable onClose) {
    this.stages = stages;
    this.parts = List.copyOf(parts);
    this.onClose = onClose;
  }

  @Override
  public long id() {
    return parts.get(0).id();
  }

  @Override
  public int epoch() {
    return parts.get(0).epoch();
  }

  /** Positions that every stage holds. */
  @Override
  public int length() {
    int length = Integer.MAX_VALUE;
    for (StageSession part : parts) {
      length = Math.min(length, part.length());
    }
    return length;
  }

  @Override
  public void truncate(int length) {
    parts.forEach(part -> part.truncate(length));
  }

  @Override
  public long allocatedBytes() {
    long bytes = 0;
    for (StageSession part : parts) {
      bytes += part.allocatedBytes();
    }
    return bytes;
  }

  @Override
  public KvBlock exportKv(LayerRange layers, int from, int to) {
    List<KvBlock> blocks = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      LayerRange shared = common(stages.get(i).layers(), layers);
      if (shared.size() > 0) {
        blocks.add(parts.get(i).exportKv(shared, from, to));
      }
    }
    int covered = 0;
    for (KvBlock block : blocks) {
      covered += block.layers().size();
    }
    if (blocks.isEmpty() || covered != layers.size()) {
      throw new IllegalArgumentException("layers " + layers + " are not all in this chain");
    }
    return blocks.size() == 1 ? blocks.get(0) : join(blocks, layers);
  }

  /** Layers stand one after the other in a block, so blocks are joined by putting them in a row. */
  private static KvBlock join(List<KvBlock> blocks, LayerRange layers) {
    long bytes = 0;
    for (KvBlock block : blocks) {
      requireKv(block);
      bytes += block.data().remaining();
    }
    ByteBuffer data = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    for (KvBlock block : blocks) {
      data.put(block.data().duplicate());
    }
    ((Buffer) data).flip();
    KvBlock first = blocks.get(0);
    return new KvBlock(first.kind(), layers, first.from(), first.to(), first.type(), data);
  }

  @Override
  public void importKv(KvBlock block) {
    LayerRange layers = block.layers();
    if (layers.size() == 0 || block.data().remaining() % layers.size() != 0) {
      throw new IllegalArgumentException(
          block.data().remaining() + " bytes are no equal shares of layers " + layers);
    }
    int perLayer = block.data().remaining() / layers.size();
    int covered = 0;
    for (Stage stage : stages) {
      covered += common(stage.layers(), layers).size();
    }
    if (covered != layers.size()) {
      throw new IllegalArgumentException("layers " + layers + " are not all in this chain");
    }
    for (int i = 0; i < parts.size(); i++) {
      LayerRange shared = common(stages.get(i).layers(), layers);
      if (shared.equals(layers)) {
        parts.get(i).importKv(block);
      } else if (shared.size() > 0) {
        requireKv(block);
        parts.get(i).importKv(cut(block, shared, perLayer));
      }
    }
  }

  private static KvBlock cut(KvBlock block, LayerRange layers, int perLayer) {
    ByteBuffer data = block.data().duplicate();
    int start = data.position() + (layers.from() - block.layers().from()) * perLayer;
    ((Buffer) data).limit(start + layers.size() * perLayer);
    ((Buffer) data).position(start);
    ByteBuffer share = data.slice().order(ByteOrder.LITTLE_ENDIAN);
    return new KvBlock(block.kind(), layers, block.from(), block.to(), block.type(), share);
  }

  private static void requireKv(KvBlock block) {
    if (block.kind() != KvBlock.Kind.KV) {
      throw new IllegalArgumentException(
          "a " + block.kind() + " of layers " + block.layers() + " cannot be cut or joined");
    }
  }

  private static LayerRange common(LayerRange a, LayerRange b) {
    int from = Math.max(a.from(), b.from());
    return LayerRange.of(from, Math.max(from, Math.min(a.to(), b.to())));
  }

  @Override
  public void close() {
    parts.forEach(StageSession::close);
    onClose.run();
  }
}

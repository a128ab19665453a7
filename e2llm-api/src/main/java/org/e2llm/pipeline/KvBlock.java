package org.e2llm.pipeline;

import java.nio.ByteBuffer;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;

/**
 * A session's state by absolute layer and position, as it leaves one stage for another.
 *
 * <p>{@link Kind#KV}: little-endian; for each layer ascending the keys of positions {@code [from,
 * to)} (each {@code headCountKv × keyLength} elements in {@code type}), then their values likewise.
 * A {@link Kind#SNAPSHOT} is the recurrent state of hybrid models after position {@code to - 1}: it
 * cannot be cut by position.
 *
 * @param kind how {@code data} is to be read
 * @param layers absolute layers
 * @param from first position
 * @param to one past the last position
 * @param type of the elements
 * @param data from position to limit; not shared with the session it came from
 */
public record KvBlock(
    Kind kind, LayerRange layers, int from, int to, KvType type, ByteBuffer data) {
  /** The two kinds of layer state. */
  public enum Kind {
    KV,
    SNAPSHOT
  }
}

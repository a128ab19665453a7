package org.e2llm.transport.stage;

import org.e2llm.model.KvType;
import org.e2llm.plan.HiddenType;

/**
 * What the KV cache of one position in one layer looks like: a row of keys and a row of values.
 *
 * @param type of the elements in the cache
 * @param keyWidth elements of a row of keys, all heads together
 * @param valueWidth elements of a row of values
 */
public record KvLayout(KvType type, int keyWidth, int valueWidth) {
  /** Bytes of one position in one layer, in {@code as}; Q8_0 fills up the last block of a row. */
  int positionBytes(KvType as) {
    return HiddenCodec.rowBytes(format(as), keyWidth)
        + HiddenCodec.rowBytes(format(as), valueWidth);
  }

  /** The format of rows on the wire, which is that of hidden states. */
  static HiddenType format(KvType type) {
    switch (type) {
      case F32:
        return HiddenType.F32;
      case F16:
        return HiddenType.F16;
      default:
        return HiddenType.Q8_0;
    }
  }
}

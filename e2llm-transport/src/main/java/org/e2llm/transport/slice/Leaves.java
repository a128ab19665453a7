package org.e2llm.transport.slice;

import java.util.Arrays;
import java.util.BitSet;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelLayout;

/**
 * The leaves of a model, numbered from 0: tensor after tensor in the order of the manifest, leaf
 * after leaf in each. Immutable; no allocation but where a set is asked for.
 */
final class Leaves {
  private final int[] first;
  private final int[] files;
  private final long[] offsets;
  private final long[] bytes;

  /**
   * @param files index of each tensor's file
   * @param offsets of each tensor in its file
   * @param bytes of each tensor, at least 1
   */
  Leaves(int[] files, long[] offsets, long[] bytes) {
    this.files = files;
    this.offsets = offsets;
    this.bytes = bytes;
    this.first = new int[bytes.length + 1];
    for (int i = 0; i < bytes.length; i++) {
      first[i + 1] = Math.addExact(first[i], Math.toIntExact(leavesOf(bytes[i])));
    }
  }

  static long leavesOf(long tensorBytes) {
    return (tensorBytes + Merkle.LEAF_BYTES - 1) / Merkle.LEAF_BYTES;
  }

  /** Leaves of all tensors. */
  int count() {
    return first[bytes.length];
  }

  int tensors() {
    return bytes.length;
  }

  int tensorOf(int leaf) {
    int found = Arrays.binarySearch(first, leaf);
    return found >= 0 ? found : -found - 2;
  }

  /** The tensor's first leaf; for the number of tensors, one past the last leaf. */
  int first(int tensor) {
    return first[tensor];
  }

  long tensorBytes(int tensor) {
    return bytes[tensor];
  }

  int count(int tensor) {
    return first[tensor + 1] - first[tensor];
  }

  int file(int leaf) {
    return files[tensorOf(leaf)];
  }

  /** Where the leaf begins in its file. */
  long offset(int leaf) {
    int tensor = tensorOf(leaf);
    return offsets[tensor] + (long) (leaf - first[tensor]) * Merkle.LEAF_BYTES;
  }

  /** From 1 to 1 MiB. */
  int bytes(int leaf) {
    int tensor = tensorOf(leaf);
    long before = (long) (leaf - first[tensor]) * Merkle.LEAF_BYTES;
    return (int) Math.min(Merkle.LEAF_BYTES, bytes[tensor] - before);
  }

  /** Bytes of all leaves of a set. */
  long bytes(BitSet set) {
    long sum = 0;
    for (int leaf = set.nextSetBit(0); leaf >= 0; leaf = set.nextSetBit(leaf + 1)) {
      sum += bytes(leaf);
    }
    return sum;
  }

  /** The leaves that stages of these ranges read. */
  BitSet needed(ModelLayout layout, Iterable<LayerRange> ranges) {
    BitSet needed = new BitSet(count());
    for (int tensor = 0; tensor < tensors(); tensor++) {
      for (LayerRange range : ranges) {
        if (layout.needs(range, layout.tensors().get(tensor))) {
          needed.set(first[tensor], first[tensor + 1]);
        }
      }
    }
    return needed;
  }
}

package org.e2llm.transport.slice;

import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * The hashes of a model's leaves, as far as they are known. Only what fits the manifest's roots is
 * ever taken in, so what is here is as good as the manifest.
 *
 * <p>Safe for several threads.
 */
final class LeafHashes {
  private final Manifest manifest;
  private final Leaves leaves;
  private final byte[] hashes;
  private final BitSet known;
  private final Merkle merkle = new Merkle();

  /** Nothing is known but the tensors of one leaf, whose root is its hash. */
  LeafHashes(Manifest manifest) {
    this(manifest, new byte[manifest.leaves().count() * Merkle.HASH_BYTES]);
  }

  /**
   * Takes in what is right of {@code hashes}, one for every leaf; the rest may be anything. The
   * array belongs to this object then.
   */
  LeafHashes(Manifest manifest, byte[] hashes) {
    this.manifest = manifest;
    this.leaves = manifest.leaves();
    this.hashes = hashes;
    this.known = new BitSet(leaves.tensors());
    for (int tensor = 0; tensor < leaves.tensors(); tensor++) {
      if (leaves.count(tensor) == 1) {
        manifest.root(tensor, hashes, at(tensor));
        known.set(tensor);
      } else if (isRight(tensor, hashes, at(tensor))) {
        known.set(tensor);
      }
    }
  }

  Manifest manifest() {
    return manifest;
  }

  synchronized boolean knows(int tensor) {
    return known.get(tensor);
  }

  /** The tensors whose leaves' hashes are known. */
  synchronized BitSet known() {
    return (BitSet) known.clone();
  }

  /**
   * Takes in the hashes of a tensor's leaves.
   *
   * @param found from position to limit
   * @return false if they do not lead to the tensor's root, or are too few or too many
   */
  synchronized boolean offer(int tensor, ByteBuffer found) {
    byte[] offered = new byte[leaves.count(tensor) * Merkle.HASH_BYTES];
    if (found.remaining() != offered.length) {
      return false;
    }
    found.get(offered);
    if (!isRight(tensor, offered, 0)) {
      return false;
    }
    System.arraycopy(offered, 0, hashes, at(tensor), offered.length);
    known.set(tensor);
    return true;
  }

  /** Whether {@code hash} at {@code from} is that of the leaf; its tensor must be known. */
  synchronized boolean matches(int leaf, byte[] hash, int from) {
    int at = leaf * Merkle.HASH_BYTES;
    for (int i = 0; i < Merkle.HASH_BYTES; i++) {
      if (hash[from + i] != hashes[at + i]) {
        return false;
      }
    }
    return known.get(leaves.tensorOf(leaf));
  }

  /** Puts a known tensor's hashes into {@code out}. */
  synchronized void read(int tensor, ByteBuffer out) {
    out.put(hashes, at(tensor), leaves.count(tensor) * Merkle.HASH_BYTES);
  }

  /** The hashes of all leaves, zeros where they are not known. */
  synchronized ByteBuffer all() {
    return ByteBuffer.wrap(hashes.clone());
  }

  private int at(int tensor) {
    return leaves.first(tensor) * Merkle.HASH_BYTES;
  }

  private boolean isRight(int tensor, byte[] found, int at) {
    return manifest.isRoot(tensor, merkle.root(found, at, leaves.count(tensor)));
  }
}

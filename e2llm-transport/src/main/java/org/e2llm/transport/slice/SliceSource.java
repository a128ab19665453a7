package org.e2llm.transport.slice;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;

/** Bytes of a model on this device: some leaves or all. Safe for several threads. */
interface SliceSource extends Closeable {
  Manifest manifest();

  LeafHashes hashes();

  boolean holds(int leaf);

  /** All leaves that {@link #holds} is true for; the caller's own. */
  BitSet held();

  /**
   * Puts all bytes of a leaf that is held into {@code into}, which has room for them. May block as
   * long as the disk takes.
   *
   * @throws IOException if they cannot be read, or are no longer what was hashed
   */
  void read(int leaf, ByteBuffer into) throws IOException;

  @Override
  void close();
}

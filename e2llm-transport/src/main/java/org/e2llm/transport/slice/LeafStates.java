package org.e2llm.transport.slice;

import java.io.Closeable;
import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Which leaves of a model are in its files, kept beside them: one byte per leaf.
 *
 * <pre>
 *  0  absent
 *  1  written    the system has it; after a crash it must be hashed again
 *  2  safe       it was on disk before this byte was
 * </pre>
 *
 * A byte and not a bit, because two processes may note two leaves at once without a lock: neither
 * reads a byte that it did not write before it writes it. Safe for several threads.
 */
final class LeafStates implements Closeable {
  static final byte ABSENT = 0;
  static final byte WRITTEN = 1;
  static final byte SAFE = 2;

  private final FileChannel channel;
  private final int leaves;
  private final BitSet written = new BitSet();
  private final BitSet safe = new BitSet();

  /** Guarded by this. */
  private final ByteBuffer one = ByteBuffer.allocate(1);

  private LeafStates(FileChannel channel, int leaves) {
    this.channel = channel;
    this.leaves = leaves;
  }

  /** Makes the file: every leaf is absent. */
  static void create(Path file, int leaves) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      FileParts.write(channel, 0, ByteBuffer.allocate(leaves));
    }
  }

  /**
   * Opens the file.
   *
   * @throws IOException if it is not one of so many leaves
   */
  static LeafStates open(Path file, int leaves) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      if (channel.size() != leaves) {
        throw new IOException(file + " has " + channel.size() + " bytes, expected are " + leaves);
      }
      LeafStates states = new LeafStates(channel, leaves);
      states.refresh();
      return states;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  synchronized boolean holds(int leaf) {
    return written.get(leaf) || safe.get(leaf);
  }

  /** Written or safe. */
  synchronized BitSet held() {
    BitSet held = (BitSet) written.clone();
    held.or(safe);
    return held;
  }

  /** How many are written or safe. */
  synchronized int count() {
    return written.cardinality() + safe.cardinality();
  }

  /** Written, and not known to be safe. */
  synchronized BitSet unsafe() {
    return (BitSet) written.clone();
  }

  /** Takes in what other processes have noted. */
  synchronized void refresh() throws IOException {
    ByteBuffer states = ByteBuffer.allocate(leaves);
    FileParts.read(channel, 0, leaves, states);
    for (int leaf = 0; leaf < leaves; leaf++) {
      byte state = states.get(leaf);
      if (state == SAFE) {
        safe.set(leaf);
        written.clear(leaf);
      } else if (state == WRITTEN && !safe.get(leaf)) {
        written.set(leaf);
      }
    }
  }

  /** Notes a leaf that was written just now. */
  synchronized void written(int leaf) throws IOException {
    if (!holds(leaf)) {
      put(leaf, WRITTEN);
      written.set(leaf);
    }
  }

  /** Notes leaves that were {@link #unsafe} before the files were forced to disk. */
  synchronized void safe(BitSet forced) throws IOException {
    for (int from = forced.nextSetBit(0); from >= 0; ) {
      int to = forced.nextClearBit(from);
      byte[] run = new byte[to - from];
      Arrays.fill(run, SAFE);
      FileParts.write(channel, from, ByteBuffer.wrap(run));
      from = forced.nextSetBit(to);
    }
    channel.force(false);
    safe.or(forced);
    written.andNot(forced);
  }

  /** Notes that a leaf is not what it should be. */
  synchronized void drop(int leaf) throws IOException {
    put(leaf, ABSENT);
    written.clear(leaf);
    safe.clear(leaf);
  }

  private void put(int leaf, byte state) throws IOException {
    one.put(0, state);
    ((Buffer) one).clear();
    FileParts.write(channel, leaf, one);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}

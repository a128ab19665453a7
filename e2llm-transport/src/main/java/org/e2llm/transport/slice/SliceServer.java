package org.e2llm.transport.slice;

import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.transport.slice.SliceFrames.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Answers the requests of peers, one piece of each in turn, whoever asks for how much. One daemon
 * thread reads from disk. A slow peer has at most {@value #MOST_LENT} pieces on their way and
 * {@value SliceFrames#MAX_REQUESTS} requests waiting; no memory is taken for a piece before its
 * turn.
 *
 * <p>Safe for several threads; nothing but {@link #close} blocks.
 */
final class SliceServer implements AutoCloseable {
  static final String THREAD_NAME = "e2llm-slice-serve";

  private static final Logger LOG = Logger.getLogger(SliceServer.class.getName());
  private static final int MOST_LENT = 4;

  /** Pieces on their way beyond one per peer, so that few slow peers cannot hold all memory. */
  private static final int MOST_EXTRA = 8;

  private final Buffers buffers =
      new Buffers(SliceFrames.HEAD_BYTES + Merkle.LEAF_BYTES, MOST_EXTRA, true);
  private final Consumer<IOException> unreadable;
  private final AtomicLong pieces = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();
  private final Thread thread = new Thread(this::run, THREAD_NAME);

  /** What is served; null while there is nothing. */
  private volatile @Nullable SliceSource source;

  // Guarded by this.
  private final List<Link> links = new ArrayList<>();
  private int turn;
  private int extra;
  private boolean closed;

  /**
   * @param unreadable told, on the thread that reads, when the source fails; it is asked no more
   */
  SliceServer(Consumer<IOException> unreadable) {
    this.unreadable = unreadable;
    thread.setDaemon(true);
    thread.start();
  }

  /** Serves this from now on; stays the caller's. */
  void serve(SliceSource served) {
    source = served;
  }

  @Nullable SliceSource source() {
    return source;
  }

  /** Leaves that were sent. */
  long leavesServed() {
    return pieces.get();
  }

  /** Bytes of leaves that were sent. */
  long bytesServed() {
    return bytes.get();
  }

  /** A peer asks for a piece. */
  synchronized void asked(Link link, long key) {
    if (link.waitingCount == link.waiting.length) {
      throw new ProtocolException(
          "more than " + link.waiting.length + " requests for pieces of a model at a time");
    }
    if (!links.contains(link)) {
      links.add(link);
      link.returned = () -> returned(link);
    }
    link.waiting[(link.firstWaiting + link.waitingCount++) % link.waiting.length] = key;
    notifyAll();
  }

  /** A peer no longer waits for a piece. */
  synchronized void cancelled(Link link, long key) {
    for (int n = link.waitingCount; n > 0; n--) {
      long next = poll(link);
      if (next != key) {
        link.waiting[(link.firstWaiting + link.waitingCount++) % link.waiting.length] = next;
      }
    }
  }

  synchronized void closed(Link link) {
    links.remove(link);
    link.waitingCount = 0;
  }

  private static long poll(Link link) {
    long key = link.waiting[link.firstWaiting];
    link.firstWaiting = (link.firstWaiting + 1) % link.waiting.length;
    link.waitingCount--;
    return key;
  }

  // ---- the thread

  private void run() {
    try {
      for (Link link = next(); link != null; link = next()) {
        long key;
        synchronized (this) {
          if (link.waitingCount == 0) {
            continue; // Cancelled or gone since.
          }
          key = poll(link);
          extra += link.lent > 0 ? 1 : 0;
          link.lent++;
        }
        answer(link, key);
      }
    } catch (InterruptedException e) {
      LOG.log(Level.FINE, "interrupted", e);
    }
  }

  /** Waits for a peer whose turn it is; null when closed. */
  private synchronized @Nullable Link next() throws InterruptedException {
    while (!closed) {
      for (int i = 0; i < links.size(); i++) {
        Link link = links.get((turn + i) % links.size());
        boolean room = link.lent == 0 || (link.lent < MOST_LENT && extra < MOST_EXTRA);
        if (link.waitingCount > 0 && room) {
          turn = (turn + i + 1) % links.size();
          return link;
        }
      }
      wait();
    }
    return null;
  }

  private void answer(Link link, long key) {
    Buffers.Lent lent = buffers.take().whenReturned(link.returned);
    if (!read(key, lent.bytes)) {
      lent.run();
      link.send(SliceFrames.NOT_HERE, key);
      return;
    }
    int size = lent.bytes.remaining() - SliceFrames.HEAD_BYTES;
    if (!link.connection.send(SliceFrames.PIECE, lent.bytes, lent)) {
      lent.run();
    } else if (Link.kind(key) == Kind.LEAF) {
      pieces.incrementAndGet();
      bytes.addAndGet(size);
    }
  }

  private synchronized void returned(Link link) {
    link.lent--;
    extra -= link.lent > 0 ? 1 : 0;
    notifyAll();
  }

  /** Puts head and piece into {@code out}, ready to be sent; false if it is not here. */
  private boolean read(long key, ByteBuffer out) {
    SliceSource from = source;
    int index = Link.index(key);
    out.put((byte) Link.kind(key).ordinal()).putInt(index);
    if (from == null) {
      return false;
    }
    try {
      boolean found = read(from, Link.kind(key), index, out);
      ((Buffer) out).flip();
      return found;
    } catch (IOException e) {
      source = null;
      unreadable.accept(e);
      return false;
    }
  }

  private static boolean read(SliceSource from, Kind kind, int index, ByteBuffer out)
      throws IOException {
    Leaves leaves = from.manifest().leaves();
    switch (kind) {
      case MANIFEST:
        ByteBuffer manifest = from.manifest().encoded();
        long start = (long) index * Merkle.LEAF_BYTES;
        if (index < 0 || start >= manifest.limit()) {
          return false;
        }
        ((Buffer) manifest).position((int) start);
        ((Buffer) manifest).limit((int) Math.min(manifest.limit(), start + Merkle.LEAF_BYTES));
        out.put(manifest);
        return true;
      case HASHES:
        if (index < 0 || index >= leaves.tensors() || !from.hashes().knows(index)) {
          return false;
        }
        from.hashes().read(index, out);
        return true;
      default:
        if (index < 0 || index >= leaves.count() || !from.holds(index)) {
          return false;
        }
        from.read(index, out);
        return true;
    }
  }

  /** Ends the thread, and waits for it, at most some seconds. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    Threads.join(thread);
  }
}

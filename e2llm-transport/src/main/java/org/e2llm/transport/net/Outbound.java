package org.e2llm.transport.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ConnectionLostException;
import org.jspecify.annotations.Nullable;

/**
 * The sending half of a connection: a queue, and whoever encrypts and writes what is in it.
 *
 * <p>That is the net thread, or, on an open HOT lane, the thread that sends: if little is queued it
 * writes at once, which saves waking the net thread, some 30 µs of a hop, or, where the net thread
 * itself sends, what it does before it looks at queues again. Nobody waits for it or for the
 * socket: who comes second leaves its frame to the net thread, as does who finds the socket full.
 */
final class Outbound {
  /** Told on the net thread when nothing can be sent any more. */
  interface Failures {
    void failed(Exception why);
  }

  /** More takes long to encrypt, and a thread that computes has better things to do. */
  private static final int WRITE_AT_ONCE = 64 << 10;

  private final NetLoop loop;
  private final SendQueue queue;
  private final long maxBytes;
  private final Counters counters;
  private final Failures failures;
  private final RateMeter rate = new RateMeter();

  /** Held by who encrypts and writes. */
  private final ReentrantLock writing = new ReentrantLock();

  /** Set while any thread may write. */
  private volatile @Nullable TlsChannel writable;

  private volatile boolean flushWanted;

  Outbound(NetLoop loop, long maxBytes, Counters counters, Failures failures) {
    this.loop = loop;
    this.queue = new SendQueue(maxBytes);
    this.maxBytes = maxBytes;
    this.counters = counters;
    this.failures = failures;
  }

  /** As {@link Connection#send}. */
  boolean send(byte type, ByteBuffer payload, @Nullable Runnable released) {
    SendQueue.Offer offer = queue.offer(type, payload, released);
    boolean little = offer == SendQueue.Offer.QUEUED && queue.bytes() <= WRITE_AT_ONCE;
    return (little && writeNow()) || queued(offer);
  }

  /** A frame whose payload is one u64. */
  void send(byte type, long value) {
    queued(queue.offer(type, value));
  }

  /** One last frame; nothing is accepted after it. Somebody has to {@link #flush}. */
  void last(byte type, ByteBuffer payload) {
    queue.close(type, payload);
    flushWanted = true;
  }

  long queuedBytes() {
    return queue.bytes();
  }

  // ---- net thread

  /**
   * From here on every thread may write, if the lane is HOT. On BULK there is always more to come,
   * and two threads that take turns carry half of what one does (measured, frames of 8 KiB).
   */
  void open(TlsChannel records, Lane lane) {
    writing.lock();
    try {
      records.proven();
    } finally {
      writing.unlock();
    }
    writable = lane == Lane.HOT ? records : null;
  }

  /** From here on only the net thread writes. */
  void leave() {
    writable = null;
  }

  /** Something waits to be written, or to be given back, that only {@link #flush} takes care of. */
  boolean flushWanted() {
    return flushWanted;
  }

  /**
   * Writes what TLS wants to say and what is queued.
   *
   * @return false if the socket is full
   */
  boolean flush(TlsChannel records) throws IOException {
    flushWanted = false;
    writing.lock();
    try {
      boolean all = records.write(queue, true);
      counters.encrypted(queue.taken(true), 0);
      rate.wrote(!all, counters.wireBytesSent(), System.nanoTime());
      counters.rate(rate.bytesPerSecond());
      return all;
    } finally {
      writing.unlock();
    }
  }

  /** The end of what this side says: an alert, or that nothing follows; then FIN. */
  void farewell(TlsChannel records) throws IOException {
    leave();
    writing.lock();
    try {
      records.farewell();
    } finally {
      writing.unlock();
    }
  }

  /** Gives back what is still queued. */
  void drop() {
    leave();
    writing.lock();
    try {
      queue.drop();
    } finally {
      writing.unlock();
    }
  }

  // ---- any thread

  /** True if nothing is left to be done. */
  private boolean writeNow() {
    TlsChannel records = writable;
    // The net thread may be giving back a frame in the midst of writing. Some platforms close a
    // socket on which an interrupted thread writes.
    boolean unfit = writing.isHeldByCurrentThread() || Thread.currentThread().isInterrupted();
    if (records == null || unfit || !writing.tryLock()) {
      return false;
    }
    try {
      return records.write(queue, false) && !queue.owesRelease();
    } catch (IOException e) {
      loop.execute(() -> failures.failed(e));
      return false;
    } finally {
      writing.unlock();
    }
  }

  private boolean queued(SendQueue.Offer offer) {
    if (offer == SendQueue.Offer.FULL) {
      ClusterException why =
          new ConnectionLostException(
              "More than "
                  + maxBytes
                  + " bytes or too many frames were queued for a peer that reads too slowly or not"
                  + " at all");
      loop.execute(() -> failures.failed(why));
    }
    if (offer == SendQueue.Offer.QUEUED && !flushWanted) {
      flushWanted = true;
      loop.wakeup();
    }
    return offer == SendQueue.Offer.QUEUED;
  }
}

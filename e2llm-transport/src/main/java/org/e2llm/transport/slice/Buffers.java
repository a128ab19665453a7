package org.e2llm.transport.slice;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;

/** Buffers of one size that are used again and again; little-endian. Safe for several threads. */
final class Buffers {
  /** A buffer that somebody has; running it gives it back. */
  final class Lent implements Runnable {
    final ByteBuffer bytes =
        (direct ? ByteBuffer.allocateDirect(size) : ByteBuffer.allocate(size))
            .order(ByteOrder.LITTLE_ENDIAN);

    private Runnable returned = Lent::nothing;

    /** Runs once, after this was given back. */
    Lent whenReturned(Runnable work) {
      returned = work;
      return this;
    }

    @Override
    public void run() {
      Runnable work = returned;
      returned = Lent::nothing;
      give(this);
      work.run();
    }

    private static void nothing() {}
  }

  private final int size;
  private final int kept;
  private final boolean direct;
  private final ArrayDeque<Lent> free = new ArrayDeque<>();

  /**
   * @param size of each buffer
   * @param kept so many wait for their next use; more are left to the collector
   * @param direct whether files are read into them: that takes no copy in between
   */
  Buffers(int size, int kept, boolean direct) {
    this.size = size;
    this.kept = kept;
    this.direct = direct;
  }

  /** An empty buffer, which its taker runs when it is done. */
  Lent take() {
    Lent lent;
    synchronized (free) {
      lent = free.poll();
    }
    if (lent == null) {
      lent = new Lent();
    }
    ((Buffer) lent.bytes).clear();
    return lent;
  }

  private void give(Lent lent) {
    synchronized (free) {
      if (free.size() < kept) {
        free.push(lent);
      }
    }
  }
}

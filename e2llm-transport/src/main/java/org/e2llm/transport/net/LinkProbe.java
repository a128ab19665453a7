package org.e2llm.transport.net;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.e2llm.cluster.ClusterException;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.e2llm.transport.wire.FrameType;
import org.jspecify.annotations.Nullable;

/**
 * Measures a link while it is in use: a few pings, then rounds of filler, whose arrival the other
 * side times. A round has 64 KiB and each further one four times as much, until one takes half a
 * second or has 4 MiB: a slow link is not kept busy for long, and none is judged by the moment for
 * which a device was held up.
 *
 * <p>The rate is taken from the second half of the last round: by then buffers are full and TCP is
 * up to speed. It is never more than all of the round in the time from its first frame to the other
 * side's answer: a device that is late to read finds in its buffers what a slow link has brought
 * long before, and sees it arrive in no time. Two frames are queued at a time, so that others get
 * their turn in between. Pure but for what it sends through {@link Out}; net thread only.
 */
final class LinkProbe {
  /** The connection that is measured. */
  interface Out {
    void ping();

    void probe(byte type, ByteBuffer payload, @Nullable Runnable released);
  }

  private static final int PINGS = 4;
  private static final int FIRST_BYTES = 64 << 10;
  private static final int MOST_BYTES = 4 << 20;
  private static final int GROWTH = 4;
  private static final int MIN_FRAMES = 4;
  private static final int FRAME_BYTES = 64 << 10;
  private static final int MAX_FRAMES = MOST_BYTES / FRAME_BYTES;
  private static final long ENOUGH_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** Of a round. */
  private static final long TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Out out;
  private final LongSupplier clock;

  // What this side measures.
  private @Nullable CompletableFuture<LinkEstimate> result;
  private int pongs;
  private long shortest;
  private long startedAt;
  private int round;
  private int roundBytes;
  private int framesLeft;
  private long sent;

  // What the other side measures.
  private final long[] arrivals = new long[MAX_FRAMES];
  private final long[] arrivedBytes = new long[MAX_FRAMES];
  private int arrived;

  /**
   * Measures nothing yet.
   *
   * @param clock nanoseconds
   */
  LinkProbe(Out out, LongSupplier clock) {
    this.out = out;
    this.clock = clock;
  }

  /** One at a time: a second call gets the result of the first. */
  CompletableFuture<LinkEstimate> start() {
    if (result == null) {
      result = new CompletableFuture<>();
      pongs = 0;
      roundBytes = 0;
      sent = 0;
      shortest = Long.MAX_VALUE;
      startedAt = clock.getAsLong();
      out.ping();
    }
    return result;
  }

  /** A round trip was measured, for this or anything else. */
  void pong(long rttNanos) {
    if (result == null || pongs >= PINGS) {
      return;
    }
    shortest = Math.min(shortest, rttNanos);
    if (++pongs < PINGS) {
      out.ping();
      return;
    }
    round(FIRST_BYTES);
  }

  /** The other side's filler. */
  void filler(ByteBuffer payload) {
    long now = clock.getAsLong();
    boolean last = payload.hasRemaining() && payload.get(payload.position()) == 1;
    if (arrived < arrivals.length) {
      arrivals[arrived] = now;
      arrivedBytes[arrived] = payload.remaining();
      arrived++;
    }
    if (last) {
      int from = arrived / 2;
      long bytes = 0;
      for (int i = from + 1; i < arrived; i++) {
        bytes += arrivedBytes[i];
      }
      long nanos = arrived == 0 ? 0 : now - arrivals[from];
      arrived = 0;
      out.probe(FrameType.PROBE_RESULT, new FieldWriter(16).i64(bytes).i64(nanos).payload(), null);
    }
  }

  /** What the other side saw of ours. */
  void result(FieldReader in) {
    long bytes = in.i64("probeResult.bytes", 0, (long) MAX_FRAMES * FRAME_BYTES);
    long nanos = in.i64("probeResult.nanos", 0, TIMEOUT_NANOS);
    CompletableFuture<LinkEstimate> waiting = result;
    if (waiting == null || roundBytes == 0 || framesLeft > 0) {
      return;
    }
    long took = clock.getAsLong() - startedAt;
    if (took < ENOUGH_NANOS && roundBytes < MOST_BYTES) {
      round(GROWTH * roundBytes);
      return;
    }
    result = null;
    double seen = bytes * 1e9 / Math.max(1, nanos);
    double whole = roundBytes * 1e9 / Math.max(1, took - shortest);
    waiting.complete(new LinkEstimate(Math.min(seen, whole), shortest / 2e9, sent));
  }

  /** Nanoseconds until it gives up, if it is measuring. */
  long dueIn(long now) {
    return result == null ? Long.MAX_VALUE : startedAt + TIMEOUT_NANOS - now;
  }

  void fail(ClusterException why) {
    CompletableFuture<LinkEstimate> waiting = result;
    if (waiting != null) {
      result = null;
      waiting.completeExceptionally(why);
    }
  }

  private void round(int bytes) {
    round++;
    roundBytes = bytes;
    startedAt = clock.getAsLong();
    int frame = Math.min(FRAME_BYTES, bytes / MIN_FRAMES);
    framesLeft = bytes / frame;
    sendFiller(round, ByteBuffer.allocate(frame));
    sendFiller(round, ByteBuffer.allocate(frame));
  }

  private void sendFiller(int ofRound, ByteBuffer buffer) {
    if (result == null || ofRound != round || framesLeft == 0) {
      return;
    }
    framesLeft--;
    ((Buffer) buffer).clear();
    buffer.put(0, (byte) (framesLeft == 0 ? 1 : 0));
    sent += buffer.remaining();
    out.probe(FrameType.PROBE, buffer, () -> sendFiller(ofRound, buffer));
  }
}

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
 * Measures a link while it is in use: a few pings, then at most 4 MiB or a quarter of a second of
 * filler, whose arrival the other side times.
 *
 * <p>The rate is taken from the second half of what arrived: by then buffers are full and TCP is up
 * to speed. It is never more than all of the filler in the time from its first frame to the other
 * side's answer: a device that is late to read finds in its buffers what a slow link has brought
 * long before, and sees it arrive in no time. Two filler frames are queued at a time, so that
 * others get their turn in between. Pure but for what it sends through {@link Out}; net thread
 * only.
 */
final class LinkProbe {
  /** The connection that is measured. */
  interface Out {
    void ping();

    void probe(byte type, ByteBuffer payload, @Nullable Runnable released);
  }

  private static final int PINGS = 4;
  private static final int FRAME_BYTES = 64 << 10;

  /** Of the frames that are sent in any case: a slow link has enough with these. */
  private static final int FIRST_BYTES = 16 << 10;

  private static final int MIN_FRAMES = 8;
  private static final int MAX_FRAMES = 64;
  private static final long MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
  private static final long TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Out out;
  private final LongSupplier clock;

  // What this side measures.
  private @Nullable CompletableFuture<LinkEstimate> result;
  private final ByteBuffer[] filler = new ByteBuffer[2];
  private int pongs;
  private long shortest;
  private int frames;
  private long sent;
  private long startedAt;
  private boolean lastSent;

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
      frames = 0;
      sent = 0;
      lastSent = false;
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
    startedAt = clock.getAsLong();
    for (int i = 0; i < filler.length && !lastSent; i++) {
      int which = i;
      filler[i] = ByteBuffer.allocate(FRAME_BYTES);
      sendFiller(which);
    }
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
    if (waiting != null && lastSent) {
      result = null;
      double seen = bytes * 1e9 / Math.max(1, nanos);
      double whole = sent * 1e9 / Math.max(1, clock.getAsLong() - startedAt - shortest);
      waiting.complete(new LinkEstimate(Math.min(seen, whole), shortest / 2e9, sent));
    }
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

  private void sendFiller(int which) {
    ByteBuffer buffer = filler[which];
    ((Buffer) buffer).clear().limit(frames < MIN_FRAMES ? FIRST_BYTES : FRAME_BYTES);
    frames++;
    sent += buffer.remaining();
    boolean enough = frames >= MIN_FRAMES && clock.getAsLong() - startedAt >= MAX_NANOS;
    lastSent = enough || frames == MAX_FRAMES;
    buffer.put(0, (byte) (lastSent ? 1 : 0));
    out.probe(FrameType.PROBE, buffer, () -> released(which));
  }

  private void released(int which) {
    if (result != null && !lastSent) {
      sendFiller(which);
    }
  }
}

package org.e2llm.transport.net;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.e2llm.cluster.ClusterException;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FrameType;
import org.jspecify.annotations.Nullable;

/**
 * What an open connection does by itself: pings on the HOT lane, pongs on both, measurements and
 * attempts to dial back when asked for. Net thread only.
 */
final class Pulse implements LinkProbe.Out {
  private final Outbound outbound;
  private final Counters counters;
  private final Heartbeat heartbeat;
  private final LinkProbe probe = new LinkProbe(this, System::nanoTime);
  private final DialBack dialBack;
  private final boolean beats;

  Pulse(Outbound outbound, Counters counters, long heartbeatNanos, Lane lane, DialBack dialBack) {
    this.dialBack = dialBack;
    this.outbound = outbound;
    this.counters = counters;
    this.heartbeat = new Heartbeat(heartbeatNanos, System.nanoTime());
    this.beats = lane == Lane.HOT;
  }

  /** Does what is due; nanoseconds until something is due next. */
  long onTime(long now) {
    if (beats && heartbeat.dueIn(now) <= 0) {
      ping();
    }
    if (probe.dueIn(now) <= 0) {
      probe.fail(new ClusterException("The peer did not answer a measurement of the link"));
    }
    return beats ? Math.min(heartbeat.dueIn(now), probe.dueIn(now)) : probe.dueIn(now);
  }

  /** Takes a frame of the types 0x05-0x06 and 0x08-0x0b; false if it is of another. */
  boolean received(byte type, ByteBuffer payload) {
    FieldReader in = new FieldReader(payload);
    switch (type) {
      case FrameType.PING:
        outbound.send(FrameType.PONG, in.i64("ping"));
        return true;
      case FrameType.PONG:
        long now = System.nanoTime();
        long rtt = heartbeat.pong(in.i64("pong"), now);
        if (rtt > 0) {
          counters.rtt(heartbeat);
          probe.pong(rtt);
        }
        return true;
      case FrameType.PROBE:
        probe.filler(payload);
        return true;
      case FrameType.PROBE_RESULT:
        probe.result(in);
        return true;
      case FrameType.DIAL_BACK:
        dialBack.asked(in);
        return true;
      case FrameType.DIALLED_BACK:
        dialBack.answered(in);
        return true;
      default:
        return false;
    }
  }

  CompletableFuture<LinkEstimate> measure() {
    return probe.start();
  }

  CompletableFuture<DialBack.Result> dialBack(int port) {
    return dialBack.ask(port);
  }

  void end(ClusterException why) {
    dialBack.fail(why);
    probe.fail(why);
  }

  @Override
  public void ping() {
    outbound.send(FrameType.PING, heartbeat.ping(System.nanoTime()));
  }

  @Override
  public void probe(byte type, ByteBuffer payload, @Nullable Runnable released) {
    outbound.send(type, payload, released);
  }
}

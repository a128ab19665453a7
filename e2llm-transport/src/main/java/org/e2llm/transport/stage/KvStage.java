package org.e2llm.transport.stage;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.StageSession;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * The hand-offs of a {@link HostedStage}: what comes for its sessions, and what leaves. Belongs to
 * the thread of {@link StageHost}.
 */
final class KvStage {
  private final KvExchange exchange;
  private final String host;
  private final LayerRange layers;
  private final Executor driver;
  private final Map<Long, KvReceiver> receivers = new HashMap<>();
  private final Map<Long, KvSender> senders = new HashMap<>();

  /**
   * Without hand-offs.
   *
   * @param host of the ring
   * @param layers of the stage
   * @param driver the thread of the stage
   */
  KvStage(KvExchange exchange, String host, LayerRange layers, Executor driver) {
    this.exchange = exchange;
    this.host = host;
    this.layers = layers;
    this.driver = driver;
  }

  /** See {@link KvFrames#KV_EXPECT}. */
  void expect(FieldReader in, RingSessions sessions) {
    KvCodec.Expect what = KvCodec.Expect.read(in);
    in.end("expect");
    StageSession session = open(what.session(), sessions);
    stop(what.session());
    if (session.length() != what.from()) {
      exchange.tellFailed(
          host,
          what.handoff(),
          exchange.self() + " holds " + session.length() + " positions, not " + what.from());
      return;
    }
    KvReceiver receiver =
        new KvReceiver(exchange, what, layers, session, driver, new Telling(what.handoff()));
    if (exchange.register(receiver)) {
      receivers.put(what.session(), receiver);
      tellHeld(what.handoff(), what.from());
    }
  }

  /** See {@link KvFrames#KV_PUSH}. */
  void push(FieldReader in, RingSessions sessions) {
    KvCodec.Push push = KvCodec.Push.read(in);
    in.end("push");
    long session = push.what().session();
    KvSender sender = new KvSender(exchange, push, layers, open(session, sessions), driver);
    if (exchange.register(sender)) {
      senders.put(session, sender);
    }
  }

  private static StageSession open(long id, RingSessions sessions) {
    RingSession session = sessions.get(id);
    if (session == null) {
      throw new ProtocolException("a hand-off of session " + id + ", which is not open");
    }
    return session.kv();
  }

  /** These slices were computed. */
  void computed(List<Batch.Slice> slices) {
    if (senders.isEmpty()) {
      return;
    }
    for (Batch.Slice slice : slices) {
      KvSender sender = senders.get(slice.session());
      if (sender != null) {
        sender.pump();
      }
    }
  }

  /** Nothing more is taken for the session. */
  void stop(long session) {
    KvReceiver receiver = receivers.remove(session);
    if (receiver != null) {
      receiver.close();
    }
  }

  /** The session is over. */
  void forget(long session) {
    stop(session);
    KvSender sender = senders.remove(session);
    if (sender != null) {
      sender.close();
    }
  }

  void close() {
    receivers.values().forEach(KvReceiver::close);
    senders.values().forEach(KvSender::close);
  }

  private void tellHeld(long handoff, int position) {
    FieldWriter out = new FieldWriter(16).i64(handoff).i32(layers.from()).i32(position);
    exchange.send(host, KvFrames.KV_HELD, out);
  }

  /** Tells the host. */
  private final class Telling implements KvReceiver.Listener {
    private final long handoff;

    Telling(long handoff) {
      this.handoff = handoff;
    }

    @Override
    public void held(int position) {
      tellHeld(handoff, position);
    }

    @Override
    public void failed(@Nullable String why) {
      exchange.tellFailed(host, handoff, String.valueOf(why));
    }
  }
}

package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.KvBlock;
import org.e2llm.pipeline.StageSession;
import org.e2llm.transport.wire.FieldReader;

/**
 * Takes the KV of one session into the cache of a stage that decodes, from all stages of another
 * replica that share layers with it. What does not fit ends the hand-off, nothing else.
 *
 * <p>Belongs to the thread that drives the stage; {@link #received} may come from any.
 */
final class KvReceiver {
  /** Pieces that may wait for the thread that computes: more than their windows let through. */
  private static final long MOST_WAITING_BYTES = 64L << 20;

  /** Hears how far this stage is. */
  interface Listener {
    /** Every layer of the stage holds all positions before this one. */
    void held(int position);

    /** Something came that does not fit; nothing more is taken. */
    void failed(String why);
  }

  private final KvExchange exchange;
  private final KvCodec.Expect what;
  private final LayerRange layers;
  private final StageSession session;
  private final Executor driver;
  private final Listener listener;
  private final AtomicLong waitingBytes = new AtomicLong();
  private volatile boolean closed;
  private int told;

  /**
   * Expects pieces from now on.
   *
   * @param layers of the stage
   * @param driver the thread that drives the stage
   */
  KvReceiver(
      KvExchange exchange,
      KvCodec.Expect what,
      LayerRange layers,
      StageSession session,
      Executor driver,
      Listener listener) {
    this.exchange = exchange;
    this.what = what;
    this.layers = layers;
    this.session = session;
    this.driver = driver;
    this.listener = listener;
    this.told = what.from();
  }

  long handoff() {
    return what.handoff();
  }

  /**
   * A piece came.
   *
   * @param payload behind the hand-off's number; lent until this returns
   */
  void received(String peer, ByteBuffer payload) {
    int bytes = payload.remaining();
    if (waitingBytes.addAndGet(bytes) > MOST_WAITING_BYTES) {
      throw new ProtocolException("more KV than this device can take in");
    }
    ByteBuffer copy = exchange.payloads().copy(payload);
    driver.execute(
        () -> {
          if (!closed) {
            take(peer, copy);
          }
          waitingBytes.addAndGet(-bytes);
          exchange.payloads().give(copy);
        });
  }

  private void take(String peer, ByteBuffer payload) {
    int held;
    try {
      KvBlock block = KvCodec.readPiece(new FieldReader(payload), exchange.layout(), what, layers);
      session.importKv(block);
      exchange.tellTaken(peer, what.handoff(), block.layers().from(), block.to());
      held = session.length();
    } catch (RuntimeException | OutOfMemoryError e) {
      close();
      listener.failed("KV from " + peer + " does not fit: " + e.getMessage());
      return;
    }
    if (held == what.to()) {
      close();
    }
    if (held > told) {
      told = held;
      listener.held(held);
    }
  }

  /** Takes nothing any more. */
  void close() {
    closed = true;
    exchange.forget(this);
  }
}

package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
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
   * @param payload behind the hand-off's number
   * @param done runs when the payload is not needed any more, if at all
   */
  void received(String peer, ByteBuffer payload, Runnable done) {
    driver.execute(
        () -> {
          if (!closed) {
            take(peer, payload);
          }
          done.run();
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

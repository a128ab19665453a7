package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.KvBlock;
import org.e2llm.pipeline.StageSession;
import org.e2llm.plan.StagePlan;
import org.e2llm.serving.KvHandoff;
import org.jspecify.annotations.Nullable;

/**
 * Sends the KV of one session from a stage that computes its prompt to the stages that have the
 * same layers in the replica that decodes, as soon as {@link KvHandoff} says that it is worth it. A
 * piece goes in several frames, and of each owner pair {@value #WINDOW} are under way at most: what
 * is not yet to be sent stays in the cache, nowhere else.
 *
 * <p>Belongs to the thread that drives the stage; {@link #taken} and {@link #lost} may come from
 * any.
 */
final class KvSender {
  /** Of one frame, roughly: what a gigabit link carries in two milliseconds. */
  static final int FRAME_BYTES = 256 << 10;

  static final int WINDOW = 4;

  /** What goes to one stage. */
  private static final class Lane {
    final KvHandoff.Pair pair;
    final String device;

    /** Ends of the frames under way. */
    final ArrayDeque<Integer> underWay = new ArrayDeque<>();

    KvHandoff.@Nullable Piece piece;
    int sent;

    Lane(KvHandoff.Pair pair, String device) {
      this.pair = pair;
      this.device = device;
    }
  }

  private final KvExchange exchange;
  private final KvCodec.Expect what;
  private final String host;
  private final StageSession session;
  private final Executor driver;
  private final KvHandoff handoff;
  private final List<Lane> lanes = new ArrayList<>();
  private volatile boolean closed;

  /**
   * Sends nothing yet.
   *
   * @param layers of the stage
   * @param driver the thread that drives the stage
   */
  KvSender(
      KvExchange exchange,
      KvCodec.Push push,
      LayerRange layers,
      StageSession session,
      Executor driver) {
    this.exchange = exchange;
    this.what = push.what();
    this.host = push.stages().get(0).device();
    this.session = session;
    this.driver = driver;
    List<KvHandoff.Pair> pairs = KvHandoff.pairs(List.of(layers), StagePlan.layers(push.stages()));
    if (pairs.isEmpty()) {
      throw new ProtocolException("nobody takes layers " + layers + " of " + push.stages());
    }
    // Positions count from where the other side begins.
    handoff = new KvHandoff(pairs, what.to() - what.from());
    for (KvHandoff.Pair pair : pairs) {
      StagePlan taker = push.stages().get(pair.toStage());
      lanes.add(new Lane(pair, taker.device()));
    }
  }

  long handoff() {
    return what.handoff();
  }

  /** Sends what is there and may go. */
  void pump() {
    if (closed) {
      return;
    }
    try {
      handoff.computed(0, session.length() - what.from());
      for (KvHandoff.Piece piece = handoff.send(); piece != null; piece = handoff.send()) {
        lanes.get(piece.pair()).piece = piece;
      }
      for (Lane lane : lanes) {
        pump(lane);
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      fail("KV cannot be sent: " + e.getMessage());
    }
  }

  private void pump(Lane lane) {
    LayerRange layers = lane.pair.layers();
    int perPosition = layers.size() * exchange.layout().positionBytes(what.type());
    int most = Math.max(1, FRAME_BYTES / perPosition);
    KvHandoff.Piece piece = lane.piece;
    while (!closed && piece != null && lane.sent < piece.to() && lane.underWay.size() < WINDOW) {
      int end = Math.min(piece.to(), lane.sent + most);
      KvBlock block = session.exportKv(layers, what.from() + lane.sent, what.from() + end);
      if (!send(lane.device, block)) {
        fail("device " + lane.device + " cannot be reached for KV from " + exchange.self());
        return;
      }
      lane.sent = end;
      lane.underWay.add(end);
    }
  }

  private boolean send(String device, KvBlock block) {
    KvLayout layout = exchange.layout();
    int positions = block.to() - block.from();
    ByteBuffer payload =
        exchange
            .payloads()
            .take(KvCodec.pieceBytes(layout, what.type(), block.layers(), positions));
    KvCodec.writePiece(payload, what.handoff(), layout, what.type(), block);
    return exchange.sendPiece(device, payload);
  }

  /** A stage has taken a frame in. */
  void taken(String device, int layer, int position) {
    driver.execute(() -> takenNow(device, layer, position));
  }

  private void takenNow(String device, int layer, int position) {
    if (closed) {
      return;
    }
    for (Lane lane : lanes) {
      if (lane.device.equals(device) && lane.pair.layers().from() == layer) {
        Integer expected = lane.underWay.poll();
        if (expected == null || what.from() + expected != position) {
          fail("device " + device + " took KV up to " + position + " that was not sent so");
          return;
        }
        KvHandoff.Piece piece = lane.piece;
        if (piece != null && expected == piece.to()) {
          lane.piece = null;
          handoff.arrived(piece);
        }
        pump();
        return;
      }
    }
    fail("device " + device + " took KV of layer " + layer + " that it does not get");
  }

  /** Frames to or from the device may be lost. */
  void lost(String device) {
    driver.execute(
        () -> {
          for (Lane lane : lanes) {
            if (lane.device.equals(device) && !lane.underWay.isEmpty()) {
              fail("the connection from " + exchange.self() + " to " + device + " was lost");
              return;
            }
          }
        });
  }

  private void fail(String why) {
    if (!closed) {
      close();
      exchange.tellFailed(host, what.handoff(), why);
    }
  }

  /** Sends nothing any more. */
  void close() {
    closed = true;
    exchange.forget(this);
  }
}

package org.e2llm.planner.simulator;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.e2llm.serving.KvHandoff;
import org.jspecify.annotations.Nullable;

/** The KV caches that move from replica to replica, piece by piece. */
final class Handoffs {
  private static final class Move {
    final int request;
    final int prefill;
    final int decode;
    final KvHandoff handoff;
    boolean prefilled;

    Move(int request, int prefill, int decode, KvHandoff handoff) {
      this.request = request;
      this.prefill = prefill;
      this.decode = decode;
      this.handoff = handoff;
    }
  }

  private static final class UnderWay {
    final Traffic.Bulk bulk = new Traffic.Bulk();
    KvHandoff.@Nullable Piece piece;
    @Nullable Move move;
    int version;
  }

  private final Simulation simulation;
  private final @Nullable Move[] moves;
  private final @Nullable List<KvHandoff.Pair>[] pairs;
  private final List<UnderWay> pool = new ArrayList<>();
  private final ArrayDeque<Integer> idle = new ArrayDeque<>();

  /** Pieces that arrived while one end stood still. */
  private final List<Integer> putOff = new ArrayList<>();

  @SuppressWarnings({"unchecked", "rawtypes"})
  Handoffs(Simulation simulation) {
    this.simulation = simulation;
    moves = new Move[simulation.requests.size()];
    int n = simulation.deployment.replicas();
    pairs = new List[n * n];
  }

  private List<KvHandoff.Pair> pairs(int p, int d) {
    int at = p * simulation.deployment.replicas() + d;
    List<KvHandoff.Pair> found = pairs[at];
    if (found == null) {
      found = simulation.deployment.pairs(p, d);
      pairs[at] = found;
    }
    return found;
  }

  /** A prompt begins whose answer is computed elsewhere. */
  void begin(int request, int p, int d, int prompt) {
    moves[request] = new Move(request, p, d, new KvHandoff(pairs(p, d), prompt));
  }

  /** A stage has computed the prompt of a request up to a position. */
  void computed(int request, int stage, int position, double now) {
    Move move = moves[request];
    if (move != null) {
      move.handoff.computed(stage, position);
      send(move, now);
    }
  }

  /** Share of the KV cache that has arrived. */
  double share(int request) {
    Move move = moves[request];
    return move == null ? 0 : move.handoff.share();
  }

  /** The prompt is done; the answer is computed on {@code d}, which may be another than planned. */
  void prefilled(int request, int p, int d, int prompt, double now) {
    Move move = moves[request];
    if (move == null || move.decode != d) {
      begin(request, p, d, prompt);
      move = Objects.requireNonNull(moves[request]);
      for (int stage = 0; stage < simulation.deployment.stages(p); stage++) {
        move.handoff.computed(stage, prompt);
      }
    }
    move.prefilled = true;
    send(move, now);
  }

  void drop(int request) {
    moves[request] = null;
  }

  private void send(Move move, double now) {
    for (KvHandoff.Piece piece = move.handoff.send(); piece != null; piece = move.handoff.send()) {
      KvHandoff.Pair pair = move.handoff.pair(piece);
      int id = take();
      UnderWay sending = pool.get(id);
      sending.piece = piece;
      sending.move = move;
      double bytes =
          (double) simulation.deployment.cost().handoffBytes(pair.layers().size(), piece.length());
      double arrival = simulation.traffic.sendKv(path(move, pair), bytes, now, sending.bulk);
      simulation.scheduleKv(id, sending.version, arrival);
    }
  }

  private Traffic.Path path(Move move, KvHandoff.Pair pair) {
    Deployment deployment = simulation.deployment;
    return simulation.traffic.path(
        deployment.device(move.prefill, pair.fromStage()),
        deployment.device(move.decode, pair.toStage()));
  }

  private int take() {
    if (idle.isEmpty()) {
      pool.add(new UnderWay());
      return pool.size() - 1;
    }
    return idle.pop();
  }

  /** A piece should have arrived. */
  void arrived(int id, int version, double now) {
    UnderWay arriving = pool.get(id);
    Move move = arriving.move;
    KvHandoff.Piece piece = arriving.piece;
    if (arriving.version != version || move == null || piece == null) {
      return;
    }
    double late = simulation.traffic.lateSeconds(arriving.bulk, now);
    boolean current = moves[move.request] == move;
    if (current && late > 0) {
      simulation.scheduleKv(id, version, now + late);
      return;
    }
    if (current
        && (simulation.replica(move.prefill).isFrozen()
            || simulation.replica(move.decode).isFrozen())) {
      putOff.add(id);
      return;
    }
    arriving.move = null;
    arriving.piece = null;
    arriving.version++;
    idle.push(id);
    if (!current) {
      return; // it was lost, answered, or is sent to somebody else
    }
    move.handoff.arrived(piece);
    send(move, now);
    if (move.prefilled && move.handoff.isComplete()) {
      moves[move.request] = null;
      simulation.handedOff(move.request, move.decode, now);
    }
  }

  /** A replica goes on, or is gone: what was put off is looked at again. */
  void goOn(double now) {
    for (int id : putOff) {
      simulation.scheduleKv(id, pool.get(id).version, now);
    }
    putOff.clear();
  }
}

package org.e2llm.transport.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which of the connected peers are alive.
 *
 * <p>A peer is lost after {@link ClusterTimers#silence}, or when its connection broke and does not
 * come back: at once if dialling fails, after {@link ClusterTimers#reconnect} if nothing is known.
 * So a reset is seen at once, a frozen peer within the silence, and neither a lost packet nor a
 * broken connection alone drops anybody. Silence counts only while this peer itself listened: who
 * was frozen does not hold it against the others.
 */
final class Liveness {
  /** What is known of a peer. */
  enum State {
    /** Connected, and heard of. */
    UP,
    /** The connection broke a moment ago. */
    BROKEN,
    /** Given up; the default. */
    LOST
  }

  /** A pause between two ticks from which on this peer was frozen, or starved of its processor. */
  private static final long OWN_STALL = 1_000_000_000L;

  private static final class Watch {
    State state = State.UP;
    long heardAt;
    long brokenAt;

    Watch(long now) {
      heardAt = now;
    }
  }

  private final ClusterTimers timers;
  private final SortedMap<String, Watch> watches = new TreeMap<>();
  private long lastTick;

  Liveness(ClusterTimers timers, long now) {
    this.timers = timers;
    this.lastTick = now;
  }

  void opened(String peer, long now) {
    watches.put(peer, new Watch(now));
  }

  void heard(String peer, long now) {
    Watch watch = watches.get(peer);
    if (watch != null) {
      watch.heardAt = Math.max(watch.heardAt, now);
    }
  }

  void closed(String peer, long now) {
    Watch watch = watches.get(peer);
    if (watch != null && watch.state == State.UP) {
      watch.state = State.BROKEN;
      watch.brokenAt = now;
    }
  }

  /** Dialling failed; counts only for a peer whose connection broke. */
  boolean unreachable(String peer) {
    return state(peer) == State.BROKEN && watches.remove(peer) != null;
  }

  /** It left, or is not to be watched any more. */
  void forget(String peer) {
    watches.remove(peer);
  }

  State state(String peer) {
    @Nullable Watch watch = watches.get(peer);
    return watch == null ? State.LOST : watch.state;
  }

  boolean connected(String peer) {
    return state(peer) == State.UP;
  }

  /** Connected, or likely to be again in a moment; sorted. */
  List<String> alive() {
    return new ArrayList<>(watches.keySet());
  }

  /** Those who are lost now. */
  List<String> tick(long now) {
    long pause = now - lastTick;
    lastTick = now;
    List<String> lost = new ArrayList<>();
    for (Map.Entry<String, Watch> entry : watches.entrySet()) {
      Watch watch = entry.getValue();
      if (pause >= OWN_STALL) {
        watch.heardAt = Math.min(now, watch.heardAt + pause);
        watch.brokenAt = Math.min(now, watch.brokenAt + pause);
      }
      if (now >= deadline(watch)) {
        lost.add(entry.getKey());
      }
    }
    watches.keySet().removeAll(lost);
    return lost;
  }

  private long deadline(Watch watch) {
    return watch.state == State.UP
        ? watch.heardAt + timers.silence()
        : watch.brokenAt + timers.reconnect();
  }

  /** When {@link #tick} may have something to do. */
  long nextTick() {
    long next = LocalPeer.NEVER;
    for (Watch watch : watches.values()) {
      next = Math.min(next, deadline(watch));
    }
    return next;
  }
}

package org.e2llm.transport.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * When to dial whom: everybody known who is not connected, at once where a connection broke, then
 * after pauses that double. Both sides of a missing connection dial, because only one of them may
 * be able to; of two that never met, the lower id goes first.
 */
final class Dialer {
  /** An attempt that is never answered does not keep others from being made. */
  private static final long ATTEMPT = 15_000_000_000L;

  private static final class Line {
    long nextAt;
    long pause;
    boolean dialling;

    Line(long nextAt, long pause) {
      this.nextAt = nextAt;
      this.pause = pause;
    }
  }

  private final String self;
  private final ClusterTimers timers;
  private final SortedMap<String, Line> lines = new TreeMap<>();

  Dialer(String self, ClusterTimers timers) {
    this.self = self;
    this.timers = timers;
  }

  /** The peer should be connected and is not; does nothing if that is known. */
  void want(String peer, long now) {
    if (!lines.containsKey(peer)) {
      long wait = self.compareTo(peer) < 0 ? 0 : 2 * timers.firstRedial();
      lines.put(peer, new Line(now + wait, timers.firstRedial()));
    }
  }

  /** Its connection broke: both sides try at once. */
  void broken(String peer, long now) {
    lines.put(peer, new Line(now, timers.firstRedial()));
  }

  /** The attempt failed. */
  void failed(String peer, long now) {
    Line line = lines.get(peer);
    if (line != null && line.dialling) {
      line.dialling = false;
      line.nextAt = now + line.pause;
      line.pause = Math.min(2 * line.pause, timers.longestRedial());
    }
  }

  /** Connected, or no longer wanted. */
  void forget(String peer) {
    lines.remove(peer);
  }

  /** Whom to dial now. */
  List<String> tick(long now) {
    List<String> due = new ArrayList<>();
    for (Map.Entry<String, Line> entry : lines.entrySet()) {
      Line line = entry.getValue();
      if (now >= line.nextAt) {
        line.dialling = true;
        line.nextAt = now + ATTEMPT;
        due.add(entry.getKey());
      }
    }
    return due;
  }

  long nextTick() {
    long next = LocalPeer.NEVER;
    for (Line line : lines.values()) {
      next = Math.min(next, line.nextAt);
    }
    return next;
  }
}

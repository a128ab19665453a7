package org.e2llm.serving;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which sessions wait at their hosts, and when each next asks whether it would begin sooner
 * elsewhere: not before what its host has told of itself counts it.
 *
 * <p>A pure state machine; times are nanoseconds since any fixed moment. Not thread-safe.
 */
final class WaitingSessions {
  /** Hosts tell of themselves every second. */
  static final long EVERY = 1_500_000_000L;

  /** When each asks; who came first stands first. */
  private final Map<Long, Long> waiting = new LinkedHashMap<>();

  /** It waits at a host, from now on. */
  void add(long session, long now) {
    waiting.put(session, now + EVERY);
  }

  /** It has begun, or ended. */
  void remove(long session) {
    waiting.remove(session);
  }

  boolean has(long session) {
    return waiting.containsKey(session);
  }

  /** All of them, who came first before the others. */
  List<Long> all() {
    return List.copyOf(waiting.keySet());
  }

  /** Those that ask now, who came first before the others. */
  List<Long> due(long now) {
    List<Long> due = new ArrayList<>();
    waiting.forEach(
        (session, at) -> {
          if (at <= now) {
            due.add(session);
          }
        });
    due.forEach(session -> add(session, now));
    return due;
  }

  /** When {@link #due} has something, or {@link Recovery#NEVER}. */
  long next() {
    long next = Recovery.NEVER;
    for (long at : waiting.values()) {
      next = Math.min(next, at);
    }
    return next;
  }
}

package org.e2llm.transport.stage;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Stage;
import org.jspecify.annotations.Nullable;

/**
 * Stages of rings that broke, with the sessions that were open there, until the next ring on this
 * device takes them over or {@value #SECONDS} s have passed. Whatever it is: the next ring frees
 * what it has no use for, because the memory is its own from then on. While that ring is set up, no
 * time passes for what it has taken over, because a device that hangs may hold it up.
 *
 * <p>Thread-safe. Nobody drives a stage that is here.
 */
final class KeptStages {
  /** With the 4 s after which a silent peer counts as lost, a stage frees a session within 15 s. */
  static final int SECONDS = 10;

  private static final long TIME = TimeUnit.SECONDS.toNanos(SECONDS);

  /**
   * No set-up of a ring keeps things longer than this: enough for a stage to be late, and for its
   * device to find out that it hangs.
   */
  static final long LONGEST_SET_UP = TimeUnit.MINUTES.toNanos(2);

  /**
   * One of them.
   *
   * @param stage null if it has other layers than the next ring wants, and only journals are left
   */
  record Left(
      LayerRange layers, @Nullable Stage stage, Map<KeptSession.Whose, KeptSession> sessions) {
    private Left journalsOnly() {
      Map<KeptSession.Whose, KeptSession> journals = new LinkedHashMap<>();
      sessions.forEach(
          (whose, session) -> {
            KeptSession without = session.journalOnly();
            if (without.journal() != null && without.journal().length() > 0) {
              journals.put(whose, without);
            }
          });
      if (stage != null) {
        stage.close();
      }
      return new Left(layers, null, journals);
    }

    /** Frees it. */
    void close() {
      sessions.values().forEach(KeptSession::close);
      if (stage != null) {
        stage.close();
      }
    }
  }

  private final LongSupplier clock;
  private final Predicate<String> reaches;

  // Guarded by this.
  private final Map<String, Long> lost = new HashMap<>();
  private final List<Left> stages = new ArrayList<>();
  private boolean closed;

  /**
   * Holds nothing.
   *
   * @param clock nanoseconds since any fixed moment
   * @param reaches whether there is a connection to a device
   */
  KeptStages(LongSupplier clock, Predicate<String> reaches) {
    this.clock = clock;
    this.reaches = reaches;
  }

  long now() {
    return clock.getAsLong();
  }

  /** A device cannot be reached any more. */
  synchronized void lost(String device) {
    lost.put(device, now());
  }

  /** Until when a session is kept that a ring leaves now: no longer for a caller lost before. */
  synchronized long until(String caller) {
    if (reaches.test(caller)) {
      lost.remove(caller);
    }
    return lost.getOrDefault(caller, now()) + TIME;
  }

  /** Whether a caller is lost and had time to come back. */
  private synchronized boolean isGone(String caller) {
    Long since = lost.get(caller);
    return since != null && now() - since >= TIME && !reaches.test(caller);
  }

  /** Takes over a stage that nobody drives any more, with its sessions. */
  void add(Left left) {
    synchronized (this) {
      if (!closed && !left.sessions().isEmpty()) {
        stages.add(left);
        return;
      }
    }
    left.close();
  }

  /**
   * What a new ring's stage here goes on with. What the ring's stages on this device cannot use is
   * freed.
   *
   * @return null if there is nothing
   */
  @Nullable Left take(Ring ring, String self, LayerRange layers) {
    Left taken = null;
    List<Left> freed = new ArrayList<>();
    synchronized (this) {
      for (Iterator<Left> i = stages.iterator(); i.hasNext(); ) {
        Left left = i.next();
        if (left.layers().equals(layers) || !ring.gives(self, left.layers())) {
          i.remove();
          boolean better =
              left.layers().equals(layers)
                  || (left.layers().from() == layers.from() && taken == null && layers.from() > 0);
          freed.add(better ? taken : left);
          taken = better ? left : taken;
        }
      }
    }
    for (Left left : freed) {
      if (left != null) {
        left.close();
      }
    }
    return taken == null || taken.layers().equals(layers) ? taken : taken.journalsOnly();
  }

  /** Frees what was kept long enough; to be called a few times a second. */
  synchronized void tick() {
    long now = now();
    for (Iterator<Left> i = stages.iterator(); i.hasNext(); ) {
      Left left = i.next();
      expired(left.sessions(), now).forEach(KeptSession::close);
      if (left.sessions().isEmpty()) {
        left.close();
        i.remove();
      }
    }
    lost.values().removeIf(since -> now - since > 10 * TIME);
  }

  /**
   * Takes those out whose time is over.
   *
   * @param now before the present where time stood still for them
   */
  List<KeptSession> expired(Map<KeptSession.Whose, KeptSession> sessions, long now) {
    List<KeptSession> over = new ArrayList<>();
    for (Iterator<Map.Entry<KeptSession.Whose, KeptSession>> i = sessions.entrySet().iterator();
        i.hasNext(); ) {
      Map.Entry<KeptSession.Whose, KeptSession> each = i.next();
      if (now - each.getValue().until() >= 0 || isGone(each.getKey().peer())) {
        over.add(each.getValue());
        i.remove();
      }
    }
    return over;
  }

  /** Sessions that wait here. */
  synchronized int size() {
    return stages.stream().mapToInt(left -> left.sessions().size()).sum();
  }

  /** Frees everything, also what is yet to come. */
  void close() {
    List<Left> all;
    synchronized (this) {
      closed = true;
      all = List.copyOf(stages);
      stages.clear();
    }
    all.forEach(Left::close);
  }
}

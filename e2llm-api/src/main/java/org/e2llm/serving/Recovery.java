package org.e2llm.serving;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.e2llm.DeviceLostException;
import org.e2llm.E2llmException;
import org.jspecify.annotations.Nullable;

/**
 * Where the sessions of this app run, and what happens to them when a device is lost: nothing that
 * was generated is lost, because the caller keeps the log of tokens and starts the session again
 * elsewhere, one epoch higher.
 *
 * <p>A session is <i>placed</i> on a host, the device of a replica's first stage, or
 * <i>suspended</i> until there is one. A suspended session waits for the next set of hosts; where
 * its host is still there, it tries again after a pause that doubles. It fails when the cluster has
 * said for as long as this is patient that nothing that is left can serve the model, or after
 * {@value #MOST_ATTEMPTS} attempts that gave no token.
 *
 * <p>A pure state machine: events and a clock in, effects out of {@link #takeEffects()}. Times are
 * nanoseconds since any fixed moment. Not thread-safe.
 */
public final class Recovery {
  /** What is to be done, in order. */
  public sealed interface Effect permits Start, Stop, Fail {}

  /** Ask the host to compute the session from all tokens known now. */
  public record Start(long session, int epoch, String host) implements Effect {}

  /** Tell the host that this epoch of the session is over. */
  public record Stop(long session, int epoch, String host) implements Effect {}

  /** The session ends with this error. */
  public record Fail(long session, E2llmException why) implements Effect {}

  /** Attempts without a token after which a session fails. */
  public static final int MOST_ATTEMPTS = 20;

  /** First pause before a session is tried again where it failed. */
  public static final long PAUSE = 100_000_000L;

  /** The longest such pause. */
  public static final long LONGEST_PAUSE = 2_000_000_000L;

  /** A patience that suits people with Wi-Fi. */
  public static final long PATIENCE = 10_000_000_000L;

  /** No session waits for a moment. */
  public static final long NEVER = Long.MAX_VALUE;

  private static final class Session {
    final long id;
    final @Nullable String preferred;
    int epoch;
    @Nullable String host;
    int attempts;
    long retryAt;
    String lastReason = "";

    Session(long id, @Nullable String preferred) {
      this.id = id;
      this.preferred = preferred;
    }
  }

  private final Map<Long, Session> sessions = new LinkedHashMap<>();
  private final long patience;
  private final List<Effect> effects = new ArrayList<>();
  private List<String> hosts = List.of();
  private LongFunction<@Nullable String> router = id -> null;

  /** What the cluster said last, if there has been no host since. */
  private @Nullable Supplier<? extends E2llmException> impossible;

  private long failAt;

  /**
   * Knows no host yet.
   *
   * @param patience nanoseconds that sessions wait for devices when those that are there cannot
   *     serve the model
   */
  public Recovery(long patience) {
    this.patience = patience;
  }

  /**
   * Who chooses hosts from now on.
   *
   * @param choice of a session by its id, asked when it is placed; null for the one with the fewest
   */
  public void router(LongFunction<@Nullable String> choice) {
    router = choice;
  }

  /**
   * A plan is in force.
   *
   * @param firstStages the devices that take sessions now, reachable from here; may be empty
   */
  public void hosts(List<String> firstStages, long now) {
    hosts = List.copyOf(firstStages);
    if (!hosts.isEmpty()) {
      impossible = null;
    }
    for (Session session : sessions.values()) {
      if (session.host == null) {
        session.retryAt = now;
      }
    }
    tick(now);
  }

  /**
   * No plan is possible with the devices that are there. Sessions without a host end when that has
   * not changed for as long as this is patient: a device may just have lost its network for a
   * moment. Until there is a host again every session ends then that is added or breaks off; one
   * that still runs may well end well.
   *
   * @param why makes the exception of a session
   */
  public void impossible(Supplier<? extends E2llmException> why, long now) {
    hosts = List.of();
    if (impossible == null) {
      failAt = now + patience;
    }
    impossible = why;
    tick(now);
  }

  /** Devices that can serve the model are there again, though none can be reached yet: wait. */
  public void possible() {
    impossible = null;
  }

  /** A new session; it starts at once if there is a host. */
  public void add(long id, long now) {
    add(id, null, now);
  }

  /**
   * As above.
   *
   * @param preferred the host that has something of it already, taken where it is among the hosts;
   *     or null
   */
  public void add(long id, @Nullable String preferred, long now) {
    Session session = new Session(id, preferred);
    if (sessions.putIfAbsent(id, session) != null) {
      throw new IllegalStateException("session " + id + " is here already");
    }
    session.retryAt = now;
    tick(now);
  }

  /** The session has ended for its caller. */
  public void remove(long id) {
    Session session = sessions.remove(id);
    if (session != null && session.host != null) {
      effects.add(new Stop(id, session.epoch, session.host));
    }
  }

  /**
   * Whether what carries this epoch is of the session's present run: everything older is dropped.
   */
  public boolean accepts(long id, int epoch) {
    Session session = sessions.get(id);
    return session != null && session.host != null && session.epoch == epoch;
  }

  /** Where the session runs; null if it is suspended or not here. */
  public @Nullable String host(long id) {
    Session session = sessions.get(id);
    return session == null ? null : session.host;
  }

  /** A token came: the session makes progress. */
  public void progressed(long id) {
    Session session = sessions.get(id);
    if (session != null) {
      session.attempts = 0;
    }
  }

  /** A device cannot be reached any more; it ends by itself what it ran. */
  public void lost(String host, long now) {
    for (Session session : sessions.values()) {
      if (host.equals(session.host)) {
        suspend(session, "device " + host + " was lost", now, false);
      }
    }
    tick(now);
  }

  /** A run of the session broke off, such as by the loss of a later stage. */
  public void interrupted(long id, int epoch, String reason, long now) {
    Session session = sessions.get(id);
    if (session != null && session.host != null && session.epoch == epoch) {
      effects.add(new Stop(id, epoch, session.host));
      suspend(session, reason, now, true);
      tick(now);
    }
  }

  private void suspend(Session session, String reason, long now, boolean pause) {
    session.host = null;
    session.epoch++;
    session.lastReason = reason;
    long wait = PAUSE << Math.min(session.attempts, 10);
    session.retryAt = pause ? now + Math.min(wait, LONGEST_PAUSE) : now;
  }

  /**
   * A session for which nothing was computed yet goes to another host; does nothing where that is
   * not one now.
   */
  public void move(long id, String to) {
    Session session = sessions.get(id);
    if (session != null && hosts.contains(to)) {
      move(session, to);
    }
  }

  /** A session for which nothing was computed yet is placed as if it had just come. */
  public void placeAgain(long id) {
    Session session = sessions.get(id);
    if (session != null && !hosts.isEmpty()) {
      move(session, host(session));
    }
  }

  private void move(Session session, String to) {
    if (session.host != null) {
      effects.add(new Stop(session.id, session.epoch, session.host));
      session.epoch++;
      session.host = to;
      effects.add(new Start(session.id, session.epoch, to));
    }
  }

  /** Time has passed; starts what can start. */
  public void tick(long now) {
    Supplier<? extends E2llmException> none = impossible;
    for (Session session : List.copyOf(sessions.values())) {
      if (session.host == null && none != null) {
        if (failAt <= now) {
          fail(session, none.get());
        }
      } else if (session.host == null && session.retryAt <= now && !hosts.isEmpty()) {
        place(session);
      }
    }
  }

  private void place(Session session) {
    if (session.attempts >= MOST_ATTEMPTS) {
      fail(
          session,
          new DeviceLostException(
              "the session was started "
                  + MOST_ATTEMPTS
                  + " times without giving a token; last: "
                  + session.lastReason));
      return;
    }
    session.attempts++;
    session.host = host(session);
    effects.add(new Start(session.id, session.epoch, session.host));
  }

  /**
   * The preferred one, else what the router says, else that with the fewest sessions of this app;
   * the first of equals.
   */
  private String host(Session placed) {
    if (placed.preferred != null && hosts.contains(placed.preferred)) {
      return placed.preferred;
    }
    String routed = router.apply(placed.id);
    if (routed != null && hosts.contains(routed)) {
      return routed;
    }
    String best = hosts.get(0);
    int fewest = Integer.MAX_VALUE;
    for (String host : hosts) {
      int used = 0;
      for (Session session : sessions.values()) {
        used += session != placed && host.equals(session.host) ? 1 : 0;
      }
      if (used < fewest) {
        fewest = used;
        best = host;
      }
    }
    return best;
  }

  private void fail(Session session, E2llmException why) {
    sessions.remove(session.id);
    effects.add(new Fail(session.id, why));
  }

  /** When {@link #tick} has something to do, or {@link #NEVER}. */
  public long nextTick() {
    long next = NEVER;
    for (Session session : sessions.values()) {
      if (session.host == null && impossible != null) {
        next = Math.min(next, failAt);
      } else if (session.host == null && !hosts.isEmpty()) {
        next = Math.min(next, session.retryAt);
      }
    }
    return next;
  }

  /** Sessions without a host. */
  public int suspended() {
    int count = 0;
    for (Session session : sessions.values()) {
      count += session.host == null ? 1 : 0;
    }
    return count;
  }

  /** What is to be done since the last call. */
  public List<Effect> takeEffects() {
    List<Effect> taken = new ArrayList<>(effects);
    effects.clear();
    return taken;
  }
}

package org.e2llm.transport.cluster;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.PlanOrder;
import org.jspecify.annotations.Nullable;

/**
 * This peer's part in the cluster: events in, {@link Effect effects} out.
 *
 * <p>Whoever drives it tells it of connections, of everything that is heard, and of the time:
 * {@link #tick} at the latest at {@link #nextTick}. After each call it carries out {@link
 * #takeEffects}, in order. All times are nanoseconds since one fixed moment and never go back. Not
 * thread-safe.
 */
public final class LocalPeer {
  /** No moment. */
  public static final long NEVER = Long.MAX_VALUE;

  /** Ticks come at least so often while others are watched, so that an own stall can be told. */
  private static final long LONGEST_PAUSE = 500_000_000L;

  private final List<Effect> effects = new ArrayList<>();
  private final String id;
  private final Membership membership;
  private final Coordination coordination;
  private long tickedAt;
  private boolean left;

  /**
   * @param id of this peer
   * @param incarnation one that no earlier run of this peer had, and a later one if possible: the
   *     wall clock in milliseconds with some random bits below. Where an earlier run had a higher
   *     one, it is raised as soon as somebody remembers
   * @param now a moment
   */
  public LocalPeer(
      String id, long incarnation, PeerInfo info, ClusterTimers timers, PlanCheck check, long now) {
    this.id = id;
    membership = new Membership(id, incarnation, info, timers, effects, now);
    coordination = new Coordination(id, timers, check, membership, effects, now);
    tickedAt = now;
    conclude(now);
  }

  // Connections. HOT only.

  /** A connection to the peer is open, another or the first; what it said before is not awaited. */
  public void opened(String peer, long now) {
    if (!left && !peer.equals(id)) {
      membership.opened(peer, now);
      conclude(now);
    }
  }

  /** Anything came from the peer, be it a heartbeat. */
  public void heard(String peer, long now) {
    membership.liveness().heard(peer, now);
  }

  /** The last connection to the peer is gone. */
  public void closed(String peer, long now) {
    if (!left) {
      membership.closed(peer, now);
      conclude(now);
    }
  }

  /** What {@link Effect.Dial} asked for failed at every address. */
  public void unreachable(String peer, long now) {
    if (!left) {
      membership.unreachable(peer, now);
      conclude(now);
    }
  }

  public void received(String peer, Message message, long now) {
    if (left) {
      return;
    }
    membership.liveness().heard(peer, now);
    if (message instanceof Message.Digest) {
      membership.received(peer, (Message.Digest) message);
    } else if (message instanceof Message.Update) {
      membership.received(peer, (Message.Update) message, now);
    } else if (message instanceof Message.PlanRequest) {
      coordination.received(peer, (Message.PlanRequest) message);
    } else if (message instanceof Message.PlanAnswer) {
      coordination.received(peer, (Message.PlanAnswer) message);
    }
    conclude(now);
  }

  // The app.

  /** What this peer says of itself has changed. */
  public void info(PeerInfo info, long now) {
    membership.info(info);
    conclude(now);
  }

  /** Answers {@link Effect.MakePlan}: this plan. */
  public void planned(long number, PublishedPlan.Draft draft, long now) {
    coordination.planned(number, draft);
    conclude(now);
  }

  /** Answers {@link Effect.MakePlan}: the plan in force is still the best. */
  public void keep(long number, long now) {
    coordination.keep(number);
    conclude(now);
  }

  /**
   * Answers {@link Effect.MakePlan}: no plan is possible. The plan in force stays if it works.
   *
   * @param reason what is missing, for those who wait
   */
  public void impossible(long number, String reason, long now) {
    coordination.impossible(number, reason);
    conclude(now);
  }

  /** The stage that {@link Effect.Adopt} gave this peer serves. */
  public void serves(PlanOrder plan, long now) {
    coordination.serves(plan);
    conclude(now);
  }

  /**
   * The app wants this plan whenever all its devices are there: it outranks computed ones until
   * {@link #withdraw}, until this peer is gone, or until another app forces one.
   */
  public void force(PublishedPlan.Draft draft, long now) {
    coordination.force(draft);
    conclude(now);
  }

  /** The app no longer forces a plan. */
  public void withdraw(long now) {
    coordination.withdraw();
    conclude(now);
  }

  /** A session begins on a plan that {@link PlanBook} knows. */
  public void hold(PlanOrder plan) {
    coordination.book().hold(plan);
  }

  /** A session that {@link #hold} was called for has ended. */
  public void release(PlanOrder plan) {
    coordination.retire(coordination.book().release(plan));
  }

  /** Says good-bye: send what is in the effects, then close. Nothing happens here any more. */
  public void leave(long now) {
    if (!left) {
      membership.leave(now);
      left = true;
    }
  }

  // Time.

  public void tick(long now) {
    tickedAt = now;
    if (!left) {
      membership.tick(now);
      conclude(now);
    }
  }

  public long nextTick() {
    return left
        ? NEVER
        : Math.min(
            tickedAt + LONGEST_PAUSE, Math.min(membership.nextTick(), coordination.nextTick()));
  }

  /** Until nothing changes: a plan adopted here is news for those who watch this peer's record. */
  private void conclude(long now) {
    if (left) {
      return;
    }
    do {
      membership.refresh(now);
      coordination.decide(now);
    } while (membership.status(
        coordination.book().adopted(), coordination.serving(), coordination.verdict()));
    membership.publish(now);
  }

  // What is known.

  /** Who is there now. */
  public View view() {
    return membership.view();
  }

  /** Everybody remembered who is not there: left, lost, or never reached. */
  public List<PeerRecord> absent() {
    List<PeerRecord> absent = new ArrayList<>();
    for (PeerRecord record : membership.records().others().values()) {
      if (!view().members().containsKey(record.id())) {
        absent.add(record);
      }
    }
    return absent;
  }

  public String coordinator() {
    return coordination.coordinator();
  }

  /** The plan in force, if there is one. */
  public @Nullable PublishedPlan plan() {
    return coordination.book().current();
  }

  /** The plans this peer works by; read it only. */
  public PlanBook book() {
    return coordination.book();
  }

  /** What is to be done since the last call. */
  public List<Effect> takeEffects() {
    List<Effect> taken = new ArrayList<>(effects);
    effects.clear();
    return taken;
  }
}

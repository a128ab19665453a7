package org.e2llm.transport.cluster;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.plan.PlanOrder;

/**
 * What a stage may still do for which session. A session belongs to its caller, who alone raises
 * its epoch; a stage refuses what is older than it has seen, and what comes under a plan that it
 * works by no more. Sessions whose caller cannot be reached are freed after {@link #PATIENCE}.
 *
 * <p>A caller's numbers of sessions are unique over all its runs, so that a caller that started
 * again never meets its old sessions. Pure: events and a clock in, decisions out. Not thread-safe.
 */
public final class SessionFence {
  /** How long the sessions of an unreachable caller are kept, in nanoseconds. */
  public static final long PATIENCE = 15_000_000_000L;

  /** How long an ended session is remembered, so that late frames of it do not revive it. */
  public static final long MEMORY = 60_000_000_000L;

  /** Ended sessions remembered of one caller, the latest. */
  private static final int MOST_ENDED = 4096;

  /** A session, by its caller's number of it. */
  public record Key(String caller, long session) {}

  /** Whether something is done for a session. */
  public enum Decision {
    /** It is: the session runs here in this epoch. */
    RUNS,
    /** It is, from nothing: the session is new here. */
    BEGINS,
    /** It is, from nothing: what is here of the session is of an older epoch and must go first. */
    BEGINS_AGAIN,
    /** It is not: the epoch is over. */
    OLD_EPOCH,
    /** It is not yet: this epoch has not begun here. */
    NOT_BEGUN,
    /** It is not: the plan is over, or this session began under another. */
    OLD_PLAN,
    /** It is not yet: the plan has not come here. */
    PLAN_AHEAD
  }

  private static final class Run {
    int epoch;
    PlanOrder plan;

    Run(int epoch, PlanOrder plan) {
      this.epoch = epoch;
      this.plan = plan;
    }
  }

  private record Ended(int epoch, long at) {}

  private final LocalPeer plans;
  private final Map<Key, Run> runs = new LinkedHashMap<>();
  private final Map<String, Map<Long, Ended>> ended = new LinkedHashMap<>();
  private final Map<String, Long> unreachableSince = new LinkedHashMap<>();

  /**
   * @param plans whose plans the sessions hold as long as they run
   */
  public SessionFence(LocalPeer plans) {
    this.plans = plans;
  }

  /** The caller begins an epoch of a session here; what it began before is over. */
  public Decision begin(Key key, int epoch, PlanOrder plan) {
    Run run = runs.get(key);
    if (epoch < lowestEpoch(key)) {
      return Decision.OLD_EPOCH;
    }
    if (run != null && run.epoch == epoch) {
      return run.plan.equals(plan) ? Decision.RUNS : Decision.OLD_PLAN;
    }
    if (!plans.book().opens(plan)) {
      return plans.book().standing(plan) == PlanBook.Standing.AHEAD
          ? Decision.PLAN_AHEAD
          : Decision.OLD_PLAN;
    }
    plans.hold(plan);
    runs.put(key, new Run(epoch, plan));
    if (run == null) {
      return Decision.BEGINS;
    }
    plans.release(run.plan);
    return Decision.BEGINS_AGAIN;
  }

  /** Work for a session comes, from its caller or the stage before. */
  public Decision work(Key key, int epoch, PlanOrder plan) {
    if (epoch < lowestEpoch(key)) {
      return Decision.OLD_EPOCH;
    }
    Run run = runs.get(key);
    if (run == null || run.epoch < epoch) {
      return Decision.NOT_BEGUN;
    }
    return run.plan.equals(plan) ? Decision.RUNS : Decision.OLD_PLAN;
  }

  private int lowestEpoch(Key key) {
    Run run = runs.get(key);
    Map<Long, Ended> past = ended.get(key.caller());
    Ended over = past == null ? null : past.get(key.session());
    return Math.max(run == null ? 0 : run.epoch, over == null ? 0 : over.epoch() + 1);
  }

  /**
   * An epoch of a session is over; nothing of it and of older ones comes back.
   *
   * @return whether it ran here: what it needed can go
   */
  public boolean end(Key key, int epoch, long now) {
    Run run = runs.get(key);
    remember(key, epoch, now);
    if (run == null || run.epoch > epoch) {
      return false;
    }
    free(key, run);
    return true;
  }

  private void remember(Key key, int epoch, long now) {
    Map<Long, Ended> past = ended.computeIfAbsent(key.caller(), caller -> new LinkedHashMap<>());
    Ended before = past.remove(key.session());
    int highest = before == null ? epoch : Math.max(epoch, before.epoch());
    past.put(key.session(), new Ended(highest, now));
    if (past.size() > MOST_ENDED) {
      Iterator<Long> oldest = past.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
  }

  private void free(Key key, Run run) {
    runs.remove(key);
    plans.release(run.plan);
  }

  /** The caller is there no more; its sessions wait for it. */
  public void callerGone(String caller, long now) {
    unreachableSince.putIfAbsent(caller, now);
  }

  /** The same process of the caller is there again. */
  public void callerBack(String caller) {
    unreachableSince.remove(caller);
  }

  /** The caller's process has ended: nobody waits for its sessions; gives those that can go. */
  public List<Key> callerEnded(String caller) {
    unreachableSince.remove(caller);
    ended.remove(caller);
    List<Key> freed = new ArrayList<>();
    for (Key key : List.copyOf(runs.keySet())) {
      if (key.caller().equals(caller)) {
        free(key, run(key));
        freed.add(key);
      }
    }
    return freed;
  }

  private Run run(Key key) {
    Run run = runs.get(key);
    if (run == null) {
      throw new IllegalStateException(key + " does not run");
    }
    return run;
  }

  /** Gives the sessions that can go because their callers were away for too long. */
  public List<Key> tick(long now) {
    List<Key> freed = new ArrayList<>();
    for (Map.Entry<String, Long> away : List.copyOf(unreachableSince.entrySet())) {
      if (now - away.getValue() >= PATIENCE) {
        freed.addAll(callerEnded(away.getKey()));
      }
    }
    for (Map<Long, Ended> past : ended.values()) {
      past.values().removeIf(over -> now - over.at() >= MEMORY);
    }
    ended.values().removeIf(Map::isEmpty);
    return freed;
  }

  /** When {@link #tick} frees something. */
  public long nextTick() {
    long next = LocalPeer.NEVER;
    for (long since : unreachableSince.values()) {
      next = Math.min(next, since + PATIENCE);
    }
    return next;
  }

  /** Sessions that run here. */
  public int size() {
    return runs.size();
  }
}

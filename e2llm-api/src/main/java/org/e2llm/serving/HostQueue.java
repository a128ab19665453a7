package org.e2llm.serving;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.CapacityException;
import org.jspecify.annotations.Nullable;

/**
 * Who waits at a live host: its {@link Dispatcher}, which has one replica, decides who begins next;
 * here are what it knows nothing of, deadlines and the limit of the queue.
 *
 * <p>A request begins when the next batch has room for its prompt, not before: whoever comes until
 * then may still go first. Only those that lack memory count for the limit.
 *
 * <p>A pure state machine; times are nanoseconds since any fixed moment. Not thread-safe.
 */
final class HostQueue {
  /** A deadline that never comes. */
  static final long NEVER = Long.MAX_VALUE;

  private static final double NANOS = 1e9;

  /** By age, as the dispatcher has them too. */
  private record Waiting(int tokens, long deadline) {}

  private final Admission admission;
  private final int queueLimit;
  private final Dispatcher dispatcher;
  private final Map<Long, Waiting> waiting = new LinkedHashMap<>();
  private long waitingTokens;

  /** Nobody who waits expires before this: spares the search. */
  private long nothingExpiresBefore = NEVER;

  HostQueue(HostLimits limits, ReplicaEstimates estimates) {
    admission = limits.admission();
    queueLimit = limits.queueLimit();
    dispatcher = new Dispatcher(limits.slo(), estimates, admission);
  }

  /**
   * A session that comes.
   *
   * @param id one that neither waits nor runs; it may hold KV cache of a turn before
   * @param prompt known tokens
   * @param held those of them that need not be computed here, as far as is known
   * @param maxTokens the most it may generate
   * @param hadBegun whether it lost its place elsewhere
   * @param decodes whether it generates here
   * @param deadline when waiting ends, or {@link #NEVER}
   */
  record Arrival(
      long id,
      int prompt,
      int held,
      int maxTokens,
      boolean hadBegun,
      boolean decodes,
      long deadline) {
    int tokens() {
      return prompt + maxTokens;
    }
  }

  /**
   * Puts a session in the queue.
   *
   * @param waited for how long it has waited elsewhere
   * @throws CapacityException if it can never fit, or lacks memory as so many others do that the
   *     limit is reached
   */
  void arrive(Arrival arrival, long now, long waited) {
    admission.requirePossible(arrival.tokens());
    int toCompute = Math.max(1, arrival.prompt() - arrival.held());
    DispatchedSession session =
        new DispatchedSession(
            arrival.id(),
            dispatcher.nextAge(),
            (now - waited) / NANOS,
            toCompute,
            arrival.maxTokens(),
            arrival.hadBegun());
    session.held = arrival.prompt() - toCompute;
    session.moved = waited > 0;
    session.decodes = arrival.decodes();
    int tokens = dispatcher.likelyTokens(session);
    requireRoom(tokens);
    int unused = dispatcher.arrive(session);
    waiting.put(arrival.id(), new Waiting(tokens, arrival.deadline()));
    waitingTokens += tokens;
    nothingExpiresBefore = Math.min(nothingExpiresBefore, arrival.deadline());
  }

  private void requireRoom(int tokens) {
    long free = admission.availableTokens();
    if (waitingTokens + tokens <= free) {
      return;
    }
    int lack = 0;
    for (Waiting each : waiting.values()) {
      lack += lack > 0 || each.tokens() > free ? 1 : 0;
      free -= lack > 0 ? 0 : each.tokens();
    }
    boolean lacks = lack > 0 || tokens > free;
    if (lacks && lack >= queueLimit) {
      throw new CapacityException(
          lack + " requests wait already, as many as the queue limit allows");
    }
  }

  /**
   * Who begins now; memory is reserved then. Null if nobody waits, or whoever is next lacks memory
   * or a place.
   *
   * @param inTimeOnly nobody who would let others go first
   */
  Dispatcher.@Nullable Start start(long now, boolean inTimeOnly) {
    Dispatcher.Start start;
    do {
      start = dispatcher.start(0, now / NANOS, inTimeOnly);
    } while (start == null && dispatcher.gaveWay());
    if (start != null) {
      remove(start.session());
    }
    return start;
  }

  private boolean remove(long id) {
    Waiting gone = waiting.remove(id);
    waitingTokens -= gone == null ? 0 : gone.tokens();
    return gone != null;
  }

  /** Takes out those whose deadline has passed. */
  List<Long> expire(long now) {
    if (now < nothingExpiresBefore) {
      return List.of();
    }
    List<Long> expired = new ArrayList<>();
    for (Map.Entry<Long, Waiting> each : waiting.entrySet()) {
      if (each.getValue().deadline() <= now) {
        expired.add(each.getKey());
      }
    }
    expired.forEach(this::withdraw);
    nothingExpiresBefore = nextDeadline();
    return expired;
  }

  private long nextDeadline() {
    long next = NEVER;
    for (Waiting each : waiting.values()) {
      next = Math.min(next, each.deadline());
    }
    return next;
  }

  /** A session leaves the queue; what it holds idle stays. Does nothing if it does not wait. */
  void withdraw(long id) {
    if (remove(id)) {
      DispatchedSession unused = dispatcher.forget(id);
    }
  }

  /** When to look again if nothing happens, or {@link #NEVER}. */
  long nextLook(long now) {
    if (waiting.isEmpty()) {
      return NEVER;
    }
    double patience = dispatcher.patienceEnds(0) * NANOS;
    boolean later = patience >= now && patience < Long.MAX_VALUE / 2;
    return Math.min(nextDeadline(), later ? (long) patience + 1 : NEVER);
  }

  int size() {
    return waiting.size();
  }

  // After the start.

  /** A chunk of a prompt entered the first stage. */
  void fed(long id, int tokens) {
    dispatcher.fed(id, tokens);
  }

  /** See {@link Dispatcher#scheduled}. */
  void scheduled(long id, BatchScheduler scheduler) {
    dispatcher.scheduled(id, scheduler);
  }

  /** See {@link Dispatcher#landed}. */
  void landed(BatchScheduler.Decision batch, BatchScheduler scheduler) {
    dispatcher.landed(batch, scheduler);
  }

  /** See {@link Dispatcher#goOn}. */
  void goOn(BatchScheduler scheduler) {
    boolean unused = dispatcher.goOn(0, scheduler);
  }

  /** Its first token is sampled: it decodes from now on. */
  void prefilled(long id) {
    int unused = dispatcher.prefilled(id, 1);
  }

  /** An answer of so many tokens came to its end; to be said before it goes. */
  void answered(int tokens) {
    dispatcher.answered(tokens);
  }

  /** A session that began ends and keeps the KV cache of so many positions for a next turn. */
  void idle(long id, int tokens) {
    admission.idle(id, tokens);
    DispatchedSession unused = dispatcher.forget(id);
  }

  /** A session is gone with all it held; if its next turn waits, that goes on waiting. */
  void release(long id) {
    if (dispatcher.has(id) && !waiting.containsKey(id)) {
      DispatchedSession unused = dispatcher.forget(id);
    }
    admission.release(id);
  }

  /** What prompts take is known better. */
  void reckonAgain() {
    dispatcher.reckonAgain(0);
  }

  Admission admission() {
    return admission;
  }
}

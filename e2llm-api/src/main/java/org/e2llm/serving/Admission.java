package org.e2llm.serving;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.CapacityException;

/**
 * Decides which session may hold KV cache: first come, first served, by reservation of all that a
 * session may come to need, so that nothing is evicted half-way.
 *
 * <p>A session is <i>waiting</i>, <i>running</i> (its reservation is fixed), or <i>idle</i>: it
 * keeps KV cache between turns, counts as reserved, and is evicted, least recently used first, when
 * the head of the queue needs its room. An idle session may wait for its next turn at the same
 * time.
 *
 * <p>A pure state machine: time comes in as nanoseconds since any fixed moment. Not thread-safe.
 */
public final class Admission {
  /** A deadline that never comes. */
  public static final long NEVER = Long.MAX_VALUE;

  /**
   * What follows from the state now.
   *
   * @param expired waiting sessions whose deadline has passed; they are out of the queue
   * @param evicted idle sessions that must give up their KV cache before the admitted start
   * @param admitted sessions that run now, in order
   */
  public record Decision(List<Long> expired, List<Long> evicted, List<Long> admitted) {}

  private record Waiting(int tokens, long deadline) {}

  private final long budgetBytes;
  private final long bytesPerToken;
  private final int contextLength;
  private final int queueLimit;
  private final Map<Long, Waiting> queue = new LinkedHashMap<>();
  private final Map<Long, Long> running = new LinkedHashMap<>();
  private final Map<Long, Long> idle = new LinkedHashMap<>();
  private long reservedBytes;

  /** No waiting session expires before this: spares {@link #poll} the search. */
  private long nothingExpiresBefore = NEVER;

  /**
   * Starts empty.
   *
   * @param budgetBytes the most that reservations may sum up to
   * @param bytesPerToken KV cache of one position over all layers
   * @param contextLength the most positions of a session
   * @param queueLimit the most sessions that may wait
   */
  public Admission(long budgetBytes, long bytesPerToken, int contextLength, int queueLimit) {
    if (budgetBytes < 0 || bytesPerToken < 1 || contextLength < 1 || queueLimit < 0) {
      throw new IllegalArgumentException(
          "budget "
              + budgetBytes
              + " bytes, "
              + bytesPerToken
              + " per token, context "
              + contextLength
              + ", queue "
              + queueLimit);
    }
    this.budgetBytes = budgetBytes;
    this.bytesPerToken = bytesPerToken;
    this.contextLength = contextLength;
    this.queueLimit = queueLimit;
  }

  /** The most tokens, prompt and output together, that a session can have. */
  public int largestSession() {
    return (int) Math.min(contextLength, budgetBytes / bytesPerToken);
  }

  /**
   * Puts a session at the end of the queue.
   *
   * @param session an id that neither waits nor runs; it may be idle
   * @param tokens prompt and output together
   * @param deadline when waiting ends, or {@link #NEVER}
   * @throws CapacityException if it can never fit, or the queue is full of sessions that cannot run
   */
  public void offer(long session, int tokens, long deadline) {
    if (queue.containsKey(session) || running.containsKey(session)) {
      throw new IllegalStateException("session " + session + " waits or runs already");
    }
    requirePossible(tokens);
    if (queue.size() >= queueLimit && !(queue.isEmpty() && fits(session, tokens))) {
      throw new CapacityException(
          queue.size() + " requests wait already, as many as the queue limit allows");
    }
    queue.put(session, new Waiting(tokens, deadline));
    nothingExpiresBefore = Math.min(nothingExpiresBefore, deadline);
  }

  private void requirePossible(int tokens) {
    if (tokens > contextLength) {
      throw new CapacityException(
          tokens + " tokens (prompt and output) do not fit in a context of " + contextLength);
    }
    if (tokens > largestSession()) {
      throw new CapacityException(
          tokens
              + " tokens (prompt and output) need "
              + tokens * bytesPerToken
              + " bytes of KV cache; the budget of "
              + budgetBytes
              + " bytes holds "
              + largestSession()
              + " tokens: shorten the prompt, lower maxTokens, or raise kvMemory");
    }
  }

  private boolean fits(long session, int tokens) {
    return missing(session, tokens) <= evictable(session);
  }

  /** Whether {@link #claim} would give a session that is not here yet so many tokens now. */
  public boolean hasRoom(int tokens) {
    return tokens <= largestSession()
        && tokens * bytesPerToken <= budgetBytes - reservedBytes + evictable(Long.MIN_VALUE);
  }

  /** Bytes that are not free yet for this session; its own idle KV cache is its own to use. */
  private long missing(long session, int tokens) {
    long free = budgetBytes - reservedBytes + idle.getOrDefault(session, 0L);
    return tokens * bytesPerToken - free;
  }

  private long evictable(long exceptSession) {
    long bytes = 0;
    for (Map.Entry<Long, Long> entry : idle.entrySet()) {
      if (entry.getKey() != exceptSession) {
        bytes += entry.getValue();
      }
    }
    return bytes;
  }

  /**
   * Reserves at once, past the queue, or not at all.
   *
   * @return idle sessions that must give up their KV cache
   * @throws CapacityException if there is no room now
   */
  public List<Long> claim(long session, int tokens) {
    requirePossible(tokens);
    if (!fits(session, tokens)) {
      throw new CapacityException(
          tokens
              + " tokens need "
              + tokens * bytesPerToken
              + " bytes of KV cache; "
              + (budgetBytes - reservedBytes + evictable(session))
              + " of "
              + budgetBytes
              + " bytes are free now");
    }
    List<Long> evicted = new ArrayList<>();
    run(session, tokens, evicted);
    return evicted;
  }

  /** What the time and the state ask for. Call after every event and at {@link #nextDeadline()}. */
  public Decision poll(long now) {
    List<Long> expired = new ArrayList<>();
    List<Long> evicted = new ArrayList<>();
    List<Long> admitted = new ArrayList<>();
    if (now >= nothingExpiresBefore) {
      for (Iterator<Map.Entry<Long, Waiting>> i = queue.entrySet().iterator(); i.hasNext(); ) {
        Map.Entry<Long, Waiting> entry = i.next();
        if (entry.getValue().deadline() <= now) {
          expired.add(entry.getKey());
          i.remove();
        }
      }
      nothingExpiresBefore = nextDeadline();
    }
    for (Iterator<Map.Entry<Long, Waiting>> i = queue.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry<Long, Waiting> head = i.next();
      if (!fits(head.getKey(), head.getValue().tokens())) {
        break;
      }
      i.remove();
      run(head.getKey(), head.getValue().tokens(), evicted);
      admitted.add(head.getKey());
    }
    return new Decision(expired, evicted, admitted);
  }

  private void run(long session, int tokens, List<Long> evicted) {
    Iterator<Map.Entry<Long, Long>> oldest = idle.entrySet().iterator();
    while (missing(session, tokens) > 0) {
      Map.Entry<Long, Long> entry = oldest.next();
      if (entry.getKey() != session) {
        reservedBytes -= entry.getValue();
        evicted.add(entry.getKey());
        oldest.remove();
      }
    }
    Long own = idle.remove(session);
    reservedBytes -= own == null ? 0 : own;
    reservedBytes += tokens * bytesPerToken;
    running.put(session, tokens * bytesPerToken);
  }

  /**
   * Changes what a running session holds: all of it at once, or nothing.
   *
   * @param tokens prompt and output together
   * @return whether there was room
   */
  public boolean resize(long session, int tokens) {
    Long held = running.get(session);
    if (held == null) {
      throw new IllegalStateException("session " + session + " does not run");
    }
    long bytes = tokens * bytesPerToken;
    if (tokens > largestSession() || bytes - held > budgetBytes - reservedBytes) {
      return false;
    }
    reservedBytes += bytes - held;
    running.put(session, bytes);
    return true;
  }

  /** A running session ends and keeps the KV cache of {@code tokens} positions for a next turn. */
  public void idle(long session, int tokens) {
    Long held = running.remove(session);
    if (held == null || tokens * bytesPerToken > held) {
      throw new IllegalStateException(
          "session " + session + " holds " + held + " bytes, not " + tokens + " tokens");
    }
    reservedBytes -= held - tokens * bytesPerToken;
    idle.put(session, tokens * bytesPerToken);
  }

  /** A session leaves the queue; what it holds idle stays. */
  public void withdraw(long session) {
    queue.remove(session);
  }

  /** A session is gone, wherever it was. */
  public void release(long session) {
    queue.remove(session);
    Long held = running.remove(session);
    reservedBytes -= held == null ? 0 : held;
    held = idle.remove(session);
    reservedBytes -= held == null ? 0 : held;
  }

  /** When the first waiting session expires, or {@link #NEVER}. */
  public long nextDeadline() {
    long next = NEVER;
    for (Waiting waiting : queue.values()) {
      next = Math.min(next, waiting.deadline());
    }
    return next;
  }

  public int queued() {
    return queue.size();
  }

  /** Running and idle sessions. */
  public int active() {
    return running.size() + idle.size();
  }

  public long reservedBytes() {
    return reservedBytes;
  }

  public long budgetBytes() {
    return budgetBytes;
  }
}

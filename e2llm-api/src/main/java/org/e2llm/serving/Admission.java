package org.e2llm.serving;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.CapacityException;

/**
 * The account of a replica's KV cache: a session reserves all that it may come to need before it
 * begins, so that nothing is evicted half-way. Who is next is not decided here, but by {@link
 * Dispatcher}.
 *
 * <p>A session is <i>running</i> (its reservation is fixed), or <i>idle</i>: it keeps KV cache
 * between turns, counts as reserved, and is evicted, least recently used first, when somebody needs
 * its room. What a session holds idle is its own next turn's to use.
 *
 * <p>A pure state machine. Not thread-safe.
 */
public final class Admission {
  private final long budgetBytes;
  private final long bytesPerToken;
  private final int contextLength;
  private final Map<Long, Long> running = new LinkedHashMap<>();
  private final Map<Long, Long> idle = new LinkedHashMap<>();
  private long reservedBytes;

  /** Not told yet. */
  private final List<Long> evicted = new ArrayList<>();

  /**
   * Starts empty.
   *
   * @param budgetBytes the most that reservations may sum up to
   * @param bytesPerToken KV cache of one position over all layers
   * @param contextLength the most positions of a session
   */
  public Admission(long budgetBytes, long bytesPerToken, int contextLength) {
    if (budgetBytes < 0 || bytesPerToken < 1 || contextLength < 1) {
      throw new IllegalArgumentException(
          "budget "
              + budgetBytes
              + " bytes, "
              + bytesPerToken
              + " per token, context "
              + contextLength);
    }
    this.budgetBytes = budgetBytes;
    this.bytesPerToken = bytesPerToken;
    this.contextLength = contextLength;
  }

  /** The most tokens, prompt and output together, that a session can have. */
  public int largestSession() {
    return (int) Math.min(contextLength, budgetBytes / bytesPerToken);
  }

  /**
   * Checks the size of a session, prompt and output together.
   *
   * @throws CapacityException if it can never fit
   */
  public void requirePossible(int tokens) {
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

  /**
   * Whether {@link #claim} would give a session so many tokens now. Its own idle KV cache counts as
   * any other: it would be evicted, or is part of what it gets.
   */
  public boolean hasRoom(int tokens) {
    return tokens <= largestSession() && tokens * bytesPerToken <= availableBytes();
  }

  /** Bytes that are free, or held by sessions that can be evicted. */
  private long availableBytes() {
    long idleBytes = 0;
    for (long held : idle.values()) {
      idleBytes += held;
    }
    return budgetBytes - reservedBytes + idleBytes;
  }

  /** Tokens for which there is room now, also of many sessions together. */
  long availableTokens() {
    return availableBytes() / bytesPerToken;
  }

  /** Bytes that are not free yet for this session; its own idle KV cache is its own to use. */
  private long missing(long session, int tokens) {
    long free = budgetBytes - reservedBytes + idle.getOrDefault(session, 0L);
    return tokens * bytesPerToken - free;
  }

  /**
   * Reserves at once, or not at all; may evict who is idle.
   *
   * @param session an id that does not run; it may be idle
   * @throws CapacityException if there is no room now
   */
  public void claim(long session, int tokens) {
    requirePossible(tokens);
    if (running.containsKey(session)) {
      throw new IllegalStateException("session " + session + " runs already");
    }
    if (!hasRoom(tokens)) {
      throw new CapacityException(
          tokens
              + " tokens need "
              + tokens * bytesPerToken
              + " bytes of KV cache; "
              + availableBytes()
              + " of "
              + budgetBytes
              + " bytes are free now");
    }
    run(session, tokens);
  }

  private void run(long session, int tokens) {
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

  boolean hasEvicted() {
    return !evicted.isEmpty();
  }

  /** Idle sessions that have to free their KV cache, since this was asked last. */
  public List<Long> takeEvicted() {
    if (evicted.isEmpty()) {
      return List.of();
    }
    List<Long> taken = List.copyOf(evicted);
    evicted.clear();
    return taken;
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

  /** A session is gone, wherever it was. */
  public void release(long session) {
    Long held = running.remove(session);
    reservedBytes -= held == null ? 0 : held;
    held = idle.remove(session);
    reservedBytes -= held == null ? 0 : held;
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

package org.e2llm.serving;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.CapacityException;
import org.jspecify.annotations.Nullable;

/**
 * The account of a replica's KV cache: who holds how much of it, and who may come to hold how much.
 * Nothing is evicted half-way. Who is next is not decided here, but by {@link Dispatcher}.
 *
 * <p>A session begins when there is room for what all are <i>likely</i> to need, which is mostly
 * far below what they <i>may</i> need, and holds more of it as it grows. Should memory become short
 * all the same, younger sessions pause, and whoever is older ends first: a session gets more only
 * as long as each older one could still have all that it may need, of what is free and what those
 * hold that are older still. So the oldest never pauses, and when it ends the next one is the
 * oldest (the banker's algorithm of Dijkstra, EWD 623, with the order of beginning as the order in
 * which all can end). While somebody pauses nobody begins.
 *
 * <p>A session is <i>running</i>, or <i>idle</i>: it keeps KV cache between turns, counts as
 * reserved, and is evicted, least recently used first, when somebody needs its room. What a session
 * holds idle is its own next turn's to use.
 *
 * <p>A pure state machine. Not thread-safe.
 */
public final class Admission {
  /** In bytes. */
  private static final class Share {
    final Need need;
    long held;

    Share(Need need, long held) {
      this.need = need;
      this.held = held;
    }
  }

  private final long budgetBytes;
  private final long bytesPerToken;
  private final int contextLength;

  /** Oldest first. */
  private final Map<Long, Share> running = new LinkedHashMap<>();

  private final Map<Long, Long> idle = new LinkedHashMap<>();
  private long runningBytes;
  private long idleBytes;

  /** What those that run are likely to hold together. */
  private long likelyBytes;

  /** Held by those of which nobody knows when they end. */
  private long fixedBytes;

  /** Who asked for more than there was. */
  private final Map<Long, Integer> shorts = new LinkedHashMap<>();

  /** Not told yet. */
  private final List<Long> evicted = new ArrayList<>();

  /**
   * Starts empty.
   *
   * @param budgetBytes the most that is ever held
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

  /** As {@link #hasRoom(Need)}, of one that holds all of it at once. */
  public boolean hasRoom(int tokens) {
    return tokens <= largestSession() && (tokens == 0 || hasRoom(Need.fixed(tokens)));
  }

  /**
   * Whether {@link #claim} would let a session begin now. Its own idle KV cache counts as any
   * other: it would be evicted, or is part of what it gets.
   */
  boolean hasRoom(Need need) {
    return need.most() <= largestSession()
        && shorts.isEmpty()
        && need.likely() * bytesPerToken <= budgetBytes - likelyBytes
        && need.most() * bytesPerToken <= budgetBytes - fixedBytes
        && need.first() * bytesPerToken <= spareBytes(null);
  }

  /** Whether {@link #claim} would let a running session go on that gave back what it holds. */
  boolean canStay(long session, Need need) {
    Share before = get(session);
    return need.most() <= largestSession()
        && shorts.isEmpty()
        && need.likely() * bytesPerToken <= budgetBytes - likelyBytes + likely(before)
        && need.most() * bytesPerToken <= budgetBytes - fixedBytes + fixed(before)
        && need.first() * bytesPerToken <= spareBytes(null) + before.held;
  }

  /** Bytes that are free, or held by sessions that can be evicted. */
  private long availableBytes() {
    return budgetBytes - runningBytes;
  }

  /** Tokens for which there is room now, also of many sessions together. */
  long availableTokens() {
    return Math.min(availableBytes(), Math.max(0, budgetBytes - likelyBytes)) / bytesPerToken;
  }

  /** What a session may have, or a new one, so that each older one can still come to its end. */
  private long spareBytes(@Nullable Share session) {
    long available = availableBytes();
    long spare = available;
    for (Share older : running.values()) {
      if (older == session) {
        break;
      }
      spare = Math.min(spare, available - (older.need.most() * bytesPerToken - older.held));
      available += older.need.ends() ? older.held : 0;
    }
    return Math.max(0, spare);
  }

  /** As {@link #claim(long, Need)}, of one that holds all of it at once. */
  public void claim(long session, int tokens) {
    requirePossible(tokens);
    claim(session, Need.fixed(tokens));
  }

  /**
   * A session begins, or does not; may evict who is idle.
   *
   * @param session an id that does not run; it may be idle
   * @throws CapacityException if there is no room now
   */
  void claim(long session, Need need) {
    requirePossible(need.most());
    if (running.containsKey(session)) {
      throw new IllegalStateException("session " + session + " runs already");
    }
    if (!hasRoom(need)) {
      throw new CapacityException(
          need.likely()
              + " tokens need "
              + need.likely() * bytesPerToken
              + " bytes of KV cache; "
              + availableTokens() * bytesPerToken
              + " of "
              + budgetBytes
              + " bytes are free now");
    }
    Long own = idle.remove(session);
    idleBytes -= own == null ? 0 : own;
    Share share = new Share(need, 0);
    running.put(session, share);
    likelyBytes += likely(share);
    fixedBytes += fixed(share);
    hold(share, need.first() * bytesPerToken);
  }

  private long likely(Share share) {
    return Math.max(share.held, share.need.likely() * bytesPerToken);
  }

  private long fixed(Share share) {
    return share.need.ends() ? 0 : share.need.most() * bytesPerToken;
  }

  private void hold(Share share, long bytes) {
    likelyBytes -= likely(share);
    runningBytes += bytes - share.held;
    share.held = bytes;
    likelyBytes += likely(share);
    Iterator<Map.Entry<Long, Long>> oldest = idle.entrySet().iterator();
    while (runningBytes + idleBytes > budgetBytes) {
      Map.Entry<Long, Long> entry = oldest.next();
      idleBytes -= entry.getValue();
      evicted.add(entry.getKey());
      oldest.remove();
    }
  }

  /**
   * A running session asks for more; may evict who is idle. If there is less it has what there is,
   * until {@link #growShorts} gives it the rest.
   *
   * @param tokens as many as it wants to hold in all; no more than it may need are given
   * @return as many as it holds now
   */
  int grow(long session, int tokens) {
    Share share = get(session);
    long wanted = Math.min(tokens, share.need.most()) * bytesPerToken;
    if (wanted > share.held) {
      long more = Math.min(wanted - share.held, spareBytes(share));
      hold(share, share.held + more - more % bytesPerToken);
    }
    if (wanted > share.held) {
      shorts.put(session, tokens);
    } else {
      shorts.remove(session);
    }
    return (int) (share.held / bytesPerToken);
  }

  /** Gives to those that asked for more than there was: who has got some of it, oldest first. */
  List<Long> growShorts() {
    if (shorts.isEmpty()) {
      return List.of();
    }
    List<Long> grown = new ArrayList<>();
    for (long session : List.copyOf(running.keySet())) {
      Integer wanted = shorts.get(session);
      if (wanted != null) {
        int before = held(session);
        if (grow(session, wanted) > before) {
          grown.add(session);
        }
      }
    }
    return grown;
  }

  /** Tokens that a running session holds. */
  int held(long session) {
    return (int) (get(session).held / bytesPerToken);
  }

  private Share get(long session) {
    Share share = running.get(session);
    if (share == null) {
      throw new IllegalStateException("session " + session + " does not run");
    }
    return share;
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

  private @Nullable Share remove(long session) {
    Share share = running.remove(session);
    if (share != null) {
      shorts.remove(session);
      likelyBytes -= likely(share);
      fixedBytes -= fixed(share);
      runningBytes -= share.held;
    }
    return share;
  }

  /** A running session ends and keeps the KV cache of {@code tokens} positions for a next turn. */
  public void idle(long session, int tokens) {
    long bytes = tokens * bytesPerToken;
    if (bytes > get(session).held) {
      throw new IllegalStateException(
          "session " + session + " holds " + get(session).held + " bytes, not " + bytes);
    }
    Share unused = remove(session);
    idle.put(session, bytes);
    idleBytes += bytes;
  }

  /** A session is gone, wherever it was. */
  public void release(long session) {
    Share unused = remove(session);
    Long held = idle.remove(session);
    idleBytes -= held == null ? 0 : held;
  }

  /** Running and idle sessions. */
  public int active() {
    return running.size() + idle.size();
  }

  /** What running and idle sessions hold. */
  public long reservedBytes() {
    return runningBytes + idleBytes;
  }

  public long budgetBytes() {
    return budgetBytes;
  }
}

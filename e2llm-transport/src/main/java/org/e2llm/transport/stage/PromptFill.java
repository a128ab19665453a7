package org.e2llm.transport.stage;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.e2llm.plan.StagePlan;

/**
 * How far the KV of one session is that another replica computes, and for how long it is worth
 * waiting for. It goes on as long as anything moves; a prompt that only waits in a queue over
 * there, a chunk that takes for ever and pieces that do not come are computed here instead.
 *
 * <p>A pure state machine: events and a clock in, what is to be done out of {@link #next}. Times
 * are nanoseconds since any fixed moment. Not thread-safe.
 */
final class PromptFill {
  /** What is to be done now. */
  enum Next {
    WAIT,
    /** All stages take pieces: ask the prompt host. Said once. */
    ASK,
    /** Nothing more is to be waited for. */
    END
  }

  /** Until the stages here have begun. */
  static final long BEGIN = TimeUnit.SECONDS.toNanos(5);

  /**
   * Until the prompt host has begun, where a prompt waits for its turn behind others, and between
   * two chunks. A stage or host that is dead or stuck is noticed sooner, by its connection or its
   * ring: this only has to be longer than a chunk takes.
   */
  static final long CHUNK = TimeUnit.SECONDS.toNanos(30);

  /** Between two pieces when all is computed. */
  static final long PIECE = TimeUnit.SECONDS.toNanos(5);

  private static final int UNKNOWN = -1;

  private final List<StagePlan> stages;
  private final int from;
  private final int to;
  private final int[] held;
  private boolean asked;
  private boolean begun;
  private int computed;
  private long since;
  private String reason = "";

  /**
   * Nobody is ready yet.
   *
   * @param stages that take the KV
   * @param from positions that all of them hold
   * @param to one past the last position that is to come
   */
  PromptFill(List<StagePlan> stages, int from, int to, long now) {
    if (to <= from) {
      throw new IllegalArgumentException("nothing to fill from " + from + " to " + to);
    }
    this.stages = stages;
    this.from = from;
    this.to = to;
    this.held = new int[stages.size()];
    Arrays.fill(held, UNKNOWN);
    this.computed = from;
    this.since = now;
  }

  /** A stage holds all positions before this one; with {@code from} it says that it is ready. */
  void held(String device, int firstLayer, int position, long now) {
    for (int i = 0; i < held.length; i++) {
      StagePlan stage = stages.get(i);
      boolean fits = position >= from && position <= to && position > held[i];
      if (fits && stage.device().equals(device) && stage.layers().from() == firstLayer) {
        held[i] = position;
        since = now;
      }
    }
  }

  /** The prompt host has begun (0), or has computed so many positions. */
  void computed(int position, long now) {
    if (!begun || position > computed) {
      since = now;
    }
    begun = true;
    computed = Math.max(computed, Math.min(position, to));
  }

  /** Nothing more comes; the first reason counts. */
  void failed(String why) {
    reason = reason.isEmpty() ? why : reason;
  }

  Next next(long now) {
    if (!reason.isEmpty() || isComplete()) {
      return Next.END;
    }
    long limit = !asked ? BEGIN : computed < to ? CHUNK : PIECE;
    if (now - since >= limit) {
      failed("nothing came for " + TimeUnit.NANOSECONDS.toSeconds(limit) + " s");
      return Next.END;
    }
    if (!asked && least() != UNKNOWN) {
      asked = true;
      since = now;
      return Next.ASK;
    }
    return Next.WAIT;
  }

  private int least() {
    return Arrays.stream(held).min().orElse(UNKNOWN);
  }

  boolean isComplete() {
    return least() == to;
  }

  /** Whether the prompt host was asked. */
  boolean isAsked() {
    return asked;
  }

  /** Positions that all stages hold, as far as they have said. */
  int prefix() {
    return Math.max(from, least());
  }

  /** Why it ended before it was complete; empty otherwise. */
  String reason() {
    return isComplete() ? "" : reason;
  }
}

package org.e2llm.transport.stage;

import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.StageSession;
import org.jspecify.annotations.Nullable;

/** A session on one stage of a ring. Belongs to the thread that drives the stage. */
final class RingSession {
  private final StageSession kv;
  private final int capacity;
  private final @Nullable Journal journal;
  private final boolean resumed;
  private Replay replay;
  private KeptSession.@Nullable Whose whose;

  /**
   * Of a session that is open on the stage.
   *
   * @param journal null at the first stage
   * @param replay what it goes on with
   */
  RingSession(StageSession kv, int capacity, @Nullable Journal journal, Replay replay) {
    this.kv = kv;
    this.capacity = capacity;
    this.journal = journal;
    this.replay = replay;
    this.resumed = replay.length() > 0;
  }

  /** Whether it went on from an earlier ring when it was opened. */
  boolean isResumed() {
    return resumed;
  }

  /** Whose number differs from the ring's where it was opened in an earlier ring. */
  StageSession kv() {
    return kv;
  }

  /** Null if there is none, or nobody would come for it. */
  @Nullable Journal journal() {
    return whose == null ? null : journal;
  }

  Replay replay() {
    return replay;
  }

  /** Its caller has begun a generation; null for none that could go on elsewhere. */
  void begin(@Nullable Caller caller) {
    whose = caller == null ? null : KeptSession.Whose.of(caller);
  }

  KeptSession.@Nullable Whose whose() {
    return whose;
  }

  /** Drops every position from {@code length} on. */
  void truncate(int length) {
    kv.truncate(length);
    if (journal != null) {
      journal.truncate(length);
    }
    replay = new Replay(Math.min(length, replay.length()), replay.first(), replay.last());
  }

  /** It is not open in the ring any more, but may be in the next one. */
  KeptSession keep(long until) {
    kv.truncate(kv.length()); // of what was coming for some layers only, nothing stays
    return new KeptSession(kv, capacity, journal, until);
  }

  void close() {
    kv.close();
    if (journal != null) {
      journal.close();
    }
  }
}

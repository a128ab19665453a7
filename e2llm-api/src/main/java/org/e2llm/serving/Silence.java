package org.e2llm.serving;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What ends a caller's wait when nothing comes: any frame may be lost with the connection it was
 * on, and not all of these connections are the caller's. A caller that has heard nothing of a
 * session for {@link #QUIET} asks its host. A host that does not have the session says so; one that
 * has it says how many tokens are sampled, and if those do not come within {@link #LATE}, they were
 * lost. A host that does not answer within {@link #ANSWER} is as good as lost.
 *
 * <p>A pure state machine; times are nanoseconds since any fixed moment. Not thread-safe.
 */
final class Silence {
  /** After so long without a word the host is asked. */
  static final long QUIET = 2_000_000_000L;

  /** How long the answer may take, on a connection whose heartbeats go on. */
  static final long ANSWER = 10_000_000_000L;

  /** How long tokens may take from the last stage after the host has said that they are sampled. */
  static final long LATE = 3_000_000_000L;

  /**
   * What is to be done about a session.
   *
   * @param reason why it is to be started again; null if its host is to be asked
   */
  record Due(long session, int epoch, @Nullable String reason) {}

  private static final long NEVER = Recovery.NEVER;

  private static final class Watch {
    final int epoch;
    long askAt;
    long answerUntil = NEVER;
    long tokensUntil = NEVER;
    boolean finished;

    Watch(int epoch, long now) {
      this.epoch = epoch;
      this.askAt = now + QUIET;
    }

    void heard(long now) {
      askAt = finished ? NEVER : now + QUIET;
      answerUntil = NEVER;
    }

    long next() {
      return Math.min(tokensUntil, Math.min(answerUntil, askAt));
    }
  }

  private final Map<Long, Watch> watches = new HashMap<>();

  /** The session was started on a host; what was known of an earlier epoch is forgotten. */
  void started(long session, int epoch, long now) {
    watches.put(session, new Watch(epoch, now));
  }

  /** It has ended. */
  void ended(long session) {
    watches.remove(session);
  }

  /** Something came of the session's present run. */
  void heard(long session, long now) {
    Watch watch = watches.get(session);
    if (watch != null) {
      watch.heard(now);
    }
  }

  /** A token came, the next one: those before it were not lost. */
  void token(long session, long now) {
    Watch watch = watches.get(session);
    if (watch != null) {
      watch.heard(now);
      watch.tokensUntil = watch.finished ? now + LATE : NEVER;
    }
  }

  /**
   * The host has sampled more tokens than have come.
   *
   * @param all whether these are all: there is nothing to ask any more
   */
  void owed(long session, boolean all, long now) {
    Watch watch = watches.get(session);
    if (watch != null) {
      watch.finished |= all;
      watch.heard(now);
      if (watch.tokensUntil == NEVER) {
        watch.tokensUntil = now + LATE;
      }
    }
  }

  /** What is to be done now, each thing once. */
  List<Due> due(long now) {
    List<Due> all = new ArrayList<>();
    for (Iterator<Map.Entry<Long, Watch>> i = watches.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry<Long, Watch> entry = i.next();
      Watch watch = entry.getValue();
      if (now >= watch.tokensUntil) {
        all.add(new Due(entry.getKey(), watch.epoch, "tokens were lost on their way"));
        i.remove();
      } else if (now >= watch.answerUntil) {
        all.add(new Due(entry.getKey(), watch.epoch, "its host did not answer"));
        i.remove();
      } else if (now >= watch.askAt) {
        all.add(new Due(entry.getKey(), watch.epoch, null));
        watch.askAt = NEVER;
        watch.answerUntil = now + ANSWER;
      }
    }
    return all;
  }

  /** When {@link #due} has something, or {@link Recovery#NEVER}. */
  long next() {
    long next = NEVER;
    for (Watch watch : watches.values()) {
      next = Math.min(next, watch.next());
    }
    return next;
  }
}

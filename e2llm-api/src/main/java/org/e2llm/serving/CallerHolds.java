package org.e2llm.serving;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Conversations of this app whose KV cache lies on a host: that of the last turn. If it is lost,
 * the next turn fills it again. Belongs to the thread of {@link CallerSessions}.
 */
final class CallerHolds {
  private final SessionHosts hosts;
  private final Map<Long, KvHold> holds = new HashMap<>();

  CallerHolds(SessionHosts hosts) {
    this.hosts = hosts;
  }

  /** The conversation is over, or will be when its running turn ends. */
  void release(KvHold hold) {
    hold.released = true;
    drop(hold);
  }

  /** A turn ended on this host, which holds what it was fed. */
  void ended(GenerationRun run, String host) {
    KvHold hold = run.submission.hold();
    if (hold == null) {
      return;
    }
    if (hold.host != null && !hold.host.equals(host)) {
      hosts.release(hold.host, hold.id);
    }
    // The token sampled last was not fed.
    hold.keptBy(host, run.underWay ? run.tokens().size() - 1 : 0);
    holds.put(hold.id, hold);
    if (hold.released) {
      drop(hold);
    }
  }

  /** A turn failed: what its host holds is of no use. */
  void failed(GenerationRun run, @Nullable String host) {
    KvHold hold = run.submission.hold();
    if (hold != null) {
      hold.host = host == null ? hold.host : host;
      drop(hold);
    }
  }

  /** Nothing is left there. */
  void lost(String peer) {
    for (KvHold hold : List.copyOf(holds.values())) {
      if (peer.equals(hold.host)) {
        holds.remove(hold.id);
        hold.drop();
      }
    }
  }

  void dropAll() {
    List.copyOf(holds.values()).forEach(this::drop);
  }

  private void drop(KvHold hold) {
    holds.remove(hold.id);
    String host = hold.host;
    hold.drop();
    if (host != null) {
      hosts.release(host, hold.id);
    }
  }
}
